//go:build python

/* The guard stands between foreign code (CPython, MindSpore, any extension
 * module) and the C library, for the few functions by which a library can
 * take a Go process over:
 *
 *   sigaction, signal   A handler that replaces one of the Go runtime's loses
 *                       the signal for Go, and without SA_ONSTACK the first
 *                       one that arrives on a goroutine's stack is fatal.
 *   kill and its kin    Libraries end "their" process in this way; here it
 *                       would be the daemon.
 *   exit and its kin    The same without a signal.
 *   wait and its kin    Waiting for any child steals the exit statuses of
 *                       children that Go waits for.
 *
 * It works because these are defined in the main executable and exported
 * from it (-Wl,--export-dynamic): the dynamic loader binds every library to
 * them. Go's own C code comes through the same door and is told apart by the
 * address it returns to. A forked child is let alone, since nobody serves
 * Go's handlers there.
 *
 * Out of its sight are raw system calls, a library with a C library of its
 * own, and abort(), whose caller says that the process is beyond repair.
 * Handlers taken that way are put back after the step (guard_repair); what
 * ends the daemon that way is met by the mark of the running step, which the
 * next daemon finds and then runs in a worker.
 */

#define _GNU_SOURCE
#include "guarded.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* The loader's marks around the code of the executable. */
extern char __executable_start, etext;

static atomic_int mode;
pid_t home;
static struct sigaction go_actions[GUARD_SIGNALS];
static void *go_handler;

static atomic_int refused[GUARD_SIGNALS];
static atomic_int flagged;

REAL(sigaction)
REAL(signal)

static int from_main(void *caller)
{
	return (char *)caller >= &__executable_start && (char *)caller < &etext;
}

/* The mode that applies to this caller. */
int guarding(void *caller)
{
	int m = atomic_load(&mode);
	if (m == GUARD_OFF || from_main(caller) || getpid() != home)
		return GUARD_OFF;
	return m;
}

static void *handler_of(const struct sigaction *act)
{
	return (act->sa_flags & SA_SIGINFO) ? (void *)act->sa_sigaction
	                                    : (void *)act->sa_handler;
}

int is_go(const struct sigaction *act)
{
	return handler_of(act) == go_handler;
}

static int owned(int m, int sig, const struct sigaction *current)
{
	if (m == GUARD_WORKER)
		return sig == SIGURG;
	return is_go(current);
}

static int guarded_sigaction(int sig, const struct sigaction *act, struct sigaction *old, void *caller)
{
	int m = guarding(caller);
	if (!act || m == GUARD_OFF || sig <= 0 || sig >= GUARD_SIGNALS)
		return real_sigaction()(sig, act, old);

	struct sigaction current;
	if (real_sigaction()(sig, NULL, &current) != 0)
		return -1;
	if (owned(m, sig, &current)) {
		/* Say yes and do nothing: an error here makes libraries abort. */
		if (old)
			*old = current;
		atomic_fetch_add(&refused[sig], 1);
		return 0;
	}
	struct sigaction flaggedAct = *act;
	void *handler = handler_of(act);
	if (handler != (void *)SIG_DFL && handler != (void *)SIG_IGN && !(act->sa_flags & SA_ONSTACK)) {
		flaggedAct.sa_flags |= SA_ONSTACK;
		atomic_fetch_add(&flagged, 1);
	}
	return real_sigaction()(sig, &flaggedAct, old);
}

int sigaction(int sig, const struct sigaction *act, struct sigaction *old)
{
	return guarded_sigaction(sig, act, old, CALLER);
}

/* The C library's signal() would not come through our sigaction. */
static __sighandler_t guarded_signal(int sig, __sighandler_t handler, void *caller)
{
	if (guarding(caller) == GUARD_OFF)
		return real_signal()(sig, handler);
	struct sigaction act, old;
	memset(&act, 0, sizeof act);
	act.sa_handler = handler;
	act.sa_flags = SA_RESTART;
	sigemptyset(&act.sa_mask);
	if (guarded_sigaction(sig, &act, &old, caller) != 0)
		return SIG_ERR;
	return old.sa_handler;
}

__sighandler_t signal(int sig, __sighandler_t handler)
{
	return guarded_signal(sig, handler, CALLER);
}

/* Other names of the same function in the C library. */
__sighandler_t bsd_signal(int sig, __sighandler_t handler)
{
	return guarded_signal(sig, handler, CALLER);
}

__sighandler_t ssignal(int sig, __sighandler_t handler)
{
	return guarded_signal(sig, handler, CALLER);
}

/* In a child made by fork() nobody serves Go's handlers, and a signal would be
 * swallowed: they are reset there. One that is sent meanwhile waits. */
static __thread sigset_t before_fork;

static void fork_begins(void)
{
	sigset_t all;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before_fork);
}

static void in_parent(void)
{
	pthread_sigmask(SIG_SETMASK, &before_fork, NULL);
}

static void in_child(void)
{
	struct sigaction act;
	memset(&act, 0, sizeof act);
	for (int sig = 1; sig < GUARD_SIGNALS; sig++) {
		struct sigaction current;
		if (real_sigaction()(sig, NULL, &current) == 0 && is_go(&current)) {
			/* Python wants an error from a write, not an end. */
			act.sa_handler = sig == SIGPIPE ? SIG_IGN : SIG_DFL;
			real_sigaction()(sig, &act, NULL);
		}
	}
	pthread_sigmask(SIG_SETMASK, &before_fork, NULL);
}

void guard_arm(int m, int notify)
{
	for (int sig = 1; sig < GUARD_SIGNALS; sig++)
		real_sigaction()(sig, NULL, &go_actions[sig]);
	/* The runtime needs this one to stop goroutines and never gives it up. */
	go_handler = handler_of(&go_actions[SIGURG]);
	home = getpid();
	real_signal();
	end_ready(notify);
	wait_ready();
	pthread_atfork(fork_begins, in_parent, in_child);
	if (m == GUARD_WORKER) {
		/* For faulthandler, which prints Python's stack and then lets what
		 * was there before it end the process: by the signal, not by Go. */
		static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
		struct sigaction act;
		memset(&act, 0, sizeof act);
		act.sa_handler = SIG_DFL;
		for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++)
			real_sigaction()(crashes[i], &act, NULL);
	}
	atomic_store(&mode, m);
}

int guard_exported(void)
{
	return dlsym(RTLD_DEFAULT, "sigaction") == (void *)sigaction &&
	       dlsym(RTLD_DEFAULT, "signal") == (void *)signal &&
	       dlsym(RTLD_DEFAULT, "kill") == (void *)kill &&
	       dlsym(RTLD_DEFAULT, "exit") == (void *)exit &&
	       dlsym(RTLD_DEFAULT, "waitpid") == (void *)waitpid;
}

void guard_read(struct guard_counts *counts)
{
	for (int sig = 0; sig < GUARD_SIGNALS; sig++)
		counts->refused[sig] = atomic_load(&refused[sig]);
	counts->flagged = atomic_load(&flagged);
	counts->signals = held_back();
	counts->waits = narrowed_waits();
}

int guard_repair(unsigned char escaped[GUARD_SIGNALS])
{
	int count = 0;
	memset(escaped, 0, GUARD_SIGNALS);
	for (int sig = 1; sig < GUARD_SIGNALS; sig++) {
		struct sigaction current;
		if (real_sigaction()(sig, NULL, &current) != 0)
			continue;
		int was_go = is_go(&go_actions[sig]);
		void *handler = handler_of(&current);
		if (was_go && atomic_load(&mode) == GUARD_DAEMON) {
			if (is_go(&current) && (current.sa_flags & SA_ONSTACK))
				continue;
			/* Go itself sets a signal it owns to ignored or default. */
			if (handler == (void *)SIG_DFL || handler == (void *)SIG_IGN)
				continue;
			real_sigaction()(sig, &go_actions[sig], NULL);
		} else {
			if (handler == (void *)SIG_DFL || handler == (void *)SIG_IGN ||
			    (current.sa_flags & SA_ONSTACK))
				continue;
			current.sa_flags |= SA_ONSTACK;
			real_sigaction()(sig, &current, NULL);
		}
		escaped[sig] = 1;
		count++;
	}
	return count;
}
