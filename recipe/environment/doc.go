// Package environment knows Python environments: what is in one, how it
// differs from what is wanted, and which commands make it so.
//
//	facts, err := environment.Inspect(ctx, prefix)
//	for _, d := range want.Differences(facts) { ... d.Command }
//
// It runs nothing but the environment's own python, to look. An environment
// that was created here has a marker file beside it; any other is somebody
// else's.
package environment
