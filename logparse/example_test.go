package logparse_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"ftd/logparse"
)

// A finished log, in two lines.
func ExampleSummarizeFile() {
	s, err := logparse.SummarizeFile(context.Background(), "../testdata/logs/mf06-llama-lora-dataset-missing.log")
	if err != nil {
		fmt.Println(err)
		return
	}
	cause := s.Cause()
	fmt.Println(s.Steps, s.Completed)
	fmt.Println(cause.Signature.ID+":", cause.Text)
	fmt.Println("remedy:", cause.Signature.Remedy)
	// Output:
	// 0 false
	// dataset-empty: MindDataset: dataset files list is empty, check input dataset_files.
	// remedy: correct the dataset directory in the configuration (train_dataset_dir, or train_dataset.data_loader.dataset_dir)
}

// A stream that comes in pieces, and a parser that is replaced in the middle
// of a line.
func ExampleParser_State() {
	const line = "{ Epoch:[  1/  1], step:[   92/25880], loss: 9.902, per_step_time: 2068ms, lr: 9.92268e-06, overflow cond: False, loss_scale: 262144.0\n"
	show := func(r *logparse.Record) {
		if r.Kind == logparse.KindStep {
			fmt.Println(r.Step.Step, "of", r.Step.Total, "loss", r.Step.Loss)
		}
	}
	p := logparse.NewParser()
	p.Feed([]byte(line[:40]), show)
	state, err := p.State()
	if err != nil {
		fmt.Println(err)
		return
	}
	q := logparse.NewParser()
	if err := q.Restore(state); err != nil {
		fmt.Println(err)
		return
	}
	q.Feed([]byte(line[40:]), show)
	q.Flush(show)
	// Output:
	// 92 of 25880 loss 9.902
}

// A log that is followed while it is written, until the writer has ended.
func ExampleTailer() {
	dir, err := os.MkdirTemp("", "log")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "rank_0.log")
	if err := os.WriteFile(path, []byte("epoch: 1 step: 5, loss is 2.3\n"), 0o600); err != nil {
		fmt.Println(err)
		return
	}
	t := logparse.NewTailer(path, logparse.Position{})
	defer t.Close()
	t.Drain() // nobody writes any more: Next ends with io.EOF
	p := logparse.NewParser()
	show := func(r *logparse.Record) { fmt.Println(r.Kind, r.Line) }
	for {
		chunk, err := t.Next(context.Background())
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		if chunk.Fresh { // another file took the path
			p.Flush(show)
			p = logparse.NewParser()
		}
		p.Skip(chunk.Offset - p.Offset()) // a hole in the file, if there is one
		p.Feed(chunk.Data, show)
	}
	p.Flush(show)
	// Output:
	// phase 1
	// step 1
}
