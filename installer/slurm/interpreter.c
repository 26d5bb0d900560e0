#include "slurm/interpreter.h"

#include <lua5.4/lauxlib.h>
#include <lua5.4/lua.h>
#include <lua5.4/lualib.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

/* What a script may take; a limit of the process would also be one of whatever
 * else it maps. */
struct quota {
	size_t used, max;
};

static void *allocate(void *context, void *block, size_t old, size_t size)
{
	struct quota *quota = context;

	/* Then it is the kind of a new object. */
	if (block == NULL)
		old = 0;
	if (size > old && size - old > quota->max - quota->used)
		return NULL;
	quota->used = quota->used - old + size;
	if (size > 0)
		return mem_resize(block, size, 1);
	free(block);
	return NULL;
}

static void open_libraries(lua_State *state)
{
	static const luaL_Reg libraries[] = {
		{ LUA_GNAME, luaopen_base },
		{ LUA_TABLIBNAME, luaopen_table },
		{ LUA_IOLIBNAME, luaopen_io },
		{ LUA_OSLIBNAME, luaopen_os },
		{ LUA_STRLIBNAME, luaopen_string },
		{ LUA_MATHLIBNAME, luaopen_math },
		{ LUA_UTF8LIBNAME, luaopen_utf8 },
		{ LUA_DBLIBNAME, luaopen_debug },
	};

	for (size_t i = 0; i < ARRAY_SIZE(libraries); i++) {
		luaL_requiref(state, libraries[i].name, libraries[i].func, 1);
		lua_pop(state, 1);
	}
}

int interpreter_run(const char *text, size_t len, char *const *args,
		    size_t max_bytes)
{
	struct quota quota = { .max = max_bytes };
	lua_State *state = lua_newstate(allocate, &quota);
	int failed;

	if (state == NULL)
		return 1;
	open_libraries(state);
	lua_newtable(state);
	for (lua_Integer i = 0; args[i]; i++) {
		lua_pushstring(state, args[i]);
		lua_rawseti(state, -2, i + 1);
	}
	lua_setglobal(state, "arg");
	failed = luaL_loadbufferx(state, text, len, "=load", "t") != LUA_OK ||
		 lua_pcall(state, 0, 0, 0) != LUA_OK;
	if (failed)
		fprintf(stderr, "%s\n", lua_tostring(state, -1));
	lua_close(state);
	return failed;
}
