//go:build !man

package main

import "github.com/spf13/cobra"

// buildVerbs are none: see man.go.
func buildVerbs() []*cobra.Command { return nil }
