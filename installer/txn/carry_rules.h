/*
 * carry_rules - what a rewrite of apiVersion alone does not do.
 *
 * A few fields came with later releases although the same thing was there
 * before: the newer schema demands them, the older does not know them. The
 * table says for each how it follows from the rest of the resource, or which
 * value of it says nothing, so that adding or leaving it off loses nothing.
 * The controllers write all that is in `status` again anyhow.
 */
#ifndef TXN_CARRY_RULES_H
#define TXN_CARRY_RULES_H

#include "format/jval.h"

/* Change `object`, where the target's `schema` needs it: fields that are
 * demanded are added, those that are not known and say nothing are left off.
 * What no rule speaks of stays as it is. */
void carry_adapt(struct jval *object, const struct jval *schema);

#endif
