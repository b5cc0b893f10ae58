// Package doctor looks for what makes a fine-tune fail before it has begun:
// packages that do not fit together, data of another length than the model's,
// weights that are no weights, a disk that is too small.
//
// [Examine] carries out the [Checks] on a [Subject]: an environment, and where
// one is at hand the config that a training is to run with. It reads files and
// asks a few programs, each bounded in time; it changes nothing. A [Finding]
// says what was found, why it matters and what to do, in English and Chinese; a
// [Fix] comes with those remedies that are safe to carry out unasked.
//
// A check is one file with one function, and a line in [Checks]. It returns no
// finding where there is nothing to look at: a machine without a card is not
// told about drivers.
package doctor
