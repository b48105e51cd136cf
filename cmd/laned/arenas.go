package main

// #include <stdlib.h>
// #ifdef __GLIBC__
// #include <malloc.h>
// // SQLite's memory comes from malloc. glibc makes up to eight arenas for each processor, each of which keeps what one
// // of its threads has freed; a lane's few threads seldom meet in one, and half a megabyte less is kept.
// __attribute__((constructor)) static void oneArena(void) { mallopt(M_ARENA_MAX, 1); }
// #endif
import "C"
