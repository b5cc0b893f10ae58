// Package recipe describes a fine-tune as a file and carries it out.
//
// A recipe is YAML: variables with their defaults, and steps. Each step names
// the [Kind] it uses ("conversations", "convert", "train", ...) and gives it
// parameters, in which ${VAR} stands for a variable, ${steps.ID.outputs.NAME}
// for what an earlier step made, and ${job.dir} for the job's directory; $${
// is a plain ${. [Parse] is strict: what it accepts can run.
//
//	recipe, err := recipe.Load("tiny-llama")       // or LoadFile, Parse, ForCommand
//	err = recipe.Run(ctx, recipe.Job{...}, host, settings)
//
// [Run] takes the steps one after the other. A step has a key, a hash of its
// parameters, its input files, ftd's Python code and the environment's
// packages; when the [Host] still has the result of that key, undamaged, the
// step is skipped. So a job that was interrupted goes on where it was, and a
// second job does only what has changed. A training has no key: it always runs.
//
// The package knows neither the journal nor CPython. It reaches both through
// [Host], so recipes are validated by programs without cgo and tested without
// a database. Everything that goes wrong is a [Problem]: code, cause, remedy.
//
// The Python half is in py: ftd_steps is what the steps call, ftd_train what a
// training imports in its own process. It travels inside the binary (see
// [Library]).
package recipe
