package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ftd/api"
)

type callOptions struct {
	worker  bool
	timeout time.Duration
}

func newCallCommand() *cobra.Command {
	var o callOptions
	c := &cobra.Command{
		Use:   "call MODULE FUNCTION [ARGUMENTS]",
		Short: "Call a function in the daemon's Python",
		Long: `call imports a module in the Python that the daemon embeds and calls a function of
it. ARGUMENTS is JSON: an array for positional arguments, an object for keyword
arguments, "-" to read it from standard input. The result is printed as JSON,
what the function itself prints goes to stderr. A step that is at work is not
disturbed.

-o json prints {"result": …, "output": …, "seconds": …}.`,
		Example: `  ftctl call math sqrt '[16]'
  ftctl call mindspore get_context '{"attr_key": "device_target"}'
  ftctl call --worker os getpid`,
		Args: cobra.RangeArgs(2, 3),
		RunE: func(c *cobra.Command, args []string) error { return runCall(c, o, args) },
	}
	c.Flags().BoolVar(&o.worker, "worker", false, "in a process of its own, which may crash")
	c.Flags().DurationVar(&o.timeout, "timeout", 0, "give up after so long, such as 30s; 0 for never")
	return c
}

func runCall(c *cobra.Command, o callOptions, words []string) error {
	if o.timeout < 0 {
		return usageError("write: --timeout 30s", "--timeout %s is not a time to wait", o.timeout)
	}
	r := api.CallRequest{Module: words[0], Function: words[1], TimeoutSeconds: o.timeout.Seconds()}
	if o.worker {
		r.Isolation = "worker"
	}
	if len(words) == 3 {
		args, err := callArguments(c.Context(), c.InOrStdin(), words[2])
		if err != nil {
			return err
		}
		r.Args = args
	}
	client := connect(c)
	defer client.Close()
	answer, err := during(c, "the daemon's Python is at work", 0, func() (*api.CallResult, error) { return client.Call(c.Context(), r) })
	if err != nil {
		return err
	}
	if wantJSON(c) {
		return printJSON(c.OutOrStdout(), answer)
	}
	if answer.Output != "" {
		fmt.Fprintln(c.ErrOrStderr(), strings.TrimSuffix(answer.Output, "\n"))
	}
	return printJSON(c.OutOrStdout(), answer.Result)
}

// callArguments checks that the text is a JSON array or object and passes it
// on as it is: reading it into Go values would round large numbers.
func callArguments(ctx context.Context, in io.Reader, text string) (json.RawMessage, error) {
	data := []byte(text)
	if text == "-" {
		var err error
		if data, err = readInput(ctx, in); err != nil {
			return nil, err
		}
	}
	data = bytes.TrimSpace(data)
	if !json.Valid(data) || (data[0] != '[' && data[0] != '{') {
		return nil, usageError(`write an array, such as '[1, "two"]', or an object, such as '{"name": 1}'`,
			"the arguments %.60q are not a JSON array or object", data)
	}
	return data, nil
}
