// Package watchdog tells when a training does not get on, or gets on without
// learning anything.
//
// A [Guard] watches one attempt at a training. It is told what the logs say
// ([Guard.Record]) and, every few seconds, which signs of life there are
// ([Guard.Look]); it answers with [Verdict]s. It neither reads a clock nor
// touches a process: who asks passes the time in, and decides what an answer
// leads to. So each detector can be tested by replaying a log.
//
// A verdict is a hint with its evidence, never a proof. Two rules keep the
// guard quiet where nothing is wrong: time is measured since the last sign of
// life and not since the beginning, and numbers count only in long series.
// A Guard must not outlive its attempt. One that begins in the middle of a
// training (its program was restarted) begins anew; all it may know of before
// is the phase and how long a step takes ([Guard.Recall]).
package watchdog
