package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

func TestEveryFailureHasItsExitStatus(t *testing.T) {
	cases := map[string]struct {
		err  error
		want int
	}{
		"none":        {nil, 0},
		"anything":    {errors.New("x"), 1},
		"internal":    {api.Errorf(api.CodeInternal, "x"), 1},
		"usage":       {usageError("", "x"), 2},
		"bad request": {api.Errorf(api.CodeBadRequest, "x"), 2},
		"recipe":      {api.Errorf(api.CodeRecipeInvalid, "x"), 2},
		"unreachable": {api.Errorf(api.CodeUnreachable, "x"), 3},
		"not found":   {api.Errorf(api.CodeNotFound, "x"), 4},
		"denied":      {api.Errorf(api.CodeDenied, "x"), 5},
		"timeout":     {api.Errorf(api.CodeTimeout, "x"), 6},
		"deadline":    {context.DeadlineExceeded, 6},
		"job":         {&jobError{api.Job{State: api.StateStopped}}, 7},
		// What the job failed of must not be taken for what the command did.
		"job not found": {&jobError{api.Job{State: api.StateFailed, Error: api.Errorf(api.CodeNotFound, "x")}}, 7},
		"interrupted":   {context.Canceled, 130},
		"verdict":       {verdict(1), 1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.want, exitStatus(c.err))
			if c.err != nil {
				require.Equal(t, c.want, exitStatus(fmt.Errorf("wrapped: %w", c.err)))
			}
		})
	}
}

func TestHelpAndManualHoldTheTableOfExitStatuses(t *testing.T) {
	require.Contains(t, newRootCommand().Long+"\n", exitTable())
	manual, err := os.ReadFile("../../docs/ftctl.md")
	require.NoError(t, err)
	require.Contains(t, string(manual), exitTable())
}
