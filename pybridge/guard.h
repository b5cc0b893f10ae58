/* The guard: what keeps Python code from taking over the process. See guard.c. */
#ifndef FTD_GUARD_H
#define FTD_GUARD_H

enum guard_mode {
	GUARD_OFF = 0,
	/* In the daemon: signals, kill, exit and wait are kept from foreign code. */
	GUARD_DAEMON = 1,
	/* In a worker, which may be signalled, may wait and may die: handlers
	 * are only given SA_ONSTACK, and Go keeps the signal it preempts with. */
	GUARD_WORKER = 2,
};

#define GUARD_SIGNALS 65

struct guard_counts {
	int refused[GUARD_SIGNALS]; /* changes of a signal that Go owns */
	int flagged;                /* handlers that were given SA_ONSTACK */
	int signals;                /* sent to our own process, held back */
	int waits;                  /* for any child, narrowed */
};

/* Arms the guard; to be called after the Go runtime has started and before
 * Python does. What is held back is announced by one byte on notify. */
void guard_arm(int mode, int notify);

/* Whether shared libraries bind to the functions of the guard. */
int guard_exported(void);

void guard_read(struct guard_counts *counts);

/* The last signal held back, and forgets it; 0 if there was none. */
int guard_take_signal(void);

/* The status with which foreign code last tried to exit, and forgets it; -1 if
 * none did. The thread that tried never runs again. */
int guard_take_exit(void);

/* is_vital tells whether Python cannot go on without the calling thread. */
void guard_needs(int (*is_vital)(void));

/* Whether such a thread has tried to exit. */
int guard_lost(void);

/* Whether a signal or an exit was held back and not yet taken. */
int guard_pending(void);

/* Looks for handlers that got past the guard, by a raw system call or from a
 * library with a C library of its own. Go's are put back, SA_ONSTACK is added
 * to others; escaped[sig] is set for each. Returns how many. */
int guard_repair(unsigned char escaped[GUARD_SIGNALS]);

#endif
