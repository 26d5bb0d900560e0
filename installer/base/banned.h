/*
 * banned - calls that this code does not make; the compiler reads this file
 * before every other. What to use instead: buf and mem_printf for strings,
 * str_u64 for numbers, gmtime_r for times, fork and exec for programs,
 * mem_alloc for memory.
 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#include <alloca.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BANNED(function) function##_is_banned_see_base_banned_h

#undef alloca
#define alloca(...) BANNED(alloca)
#undef atoi
#define atoi(...) BANNED(atoi)
#undef atol
#define atol(...) BANNED(atol)
#undef gets
#define gets(...) BANNED(gets)
#undef gmtime
#define gmtime(...) BANNED(gmtime)
#undef localtime
#define localtime(...) BANNED(localtime)
#undef mktemp
#define mktemp(...) BANNED(mktemp)
#undef popen
#define popen(...) BANNED(popen)
#undef sprintf
#define sprintf(...) BANNED(sprintf)
#undef strcat
#define strcat(...) BANNED(strcat)
#undef strcpy
#define strcpy(...) BANNED(strcpy)
#undef strncpy
#define strncpy(...) BANNED(strncpy)
#undef strtok
#define strtok(...) BANNED(strtok)
#undef system
#define system(...) BANNED(system)
#undef vsprintf
#define vsprintf(...) BANNED(vsprintf)

#endif
