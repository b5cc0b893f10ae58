package cmd_test

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"
)

// TestMain lets the test binary be a training too: of the hundred that a figure
// asks for, none must cost more than writing its lines does.
func TestMain(m *testing.M) {
	if len(os.Args) == 5 && os.Args[1] == "trainer" {
		if err := train(os.Args[2], os.Args[3], os.Args[4] == "busy"); err != nil {
			panic(err)
		}
		return
	}
	if len(os.Args) == 4 && os.Args[1] == "bare" {
		if err := bare(os.Args[2], os.Args[3]); err != nil {
			panic(err)
		}
	}
	// Another value is another result to Go's cache, which does not see that the
	// programs have changed.
	_ = os.Getenv("FTD_TEST_RUN")
	os.Exit(m.Run())
}

// trainer is the command line of a training that prints step lines at a rate
// until a file appears. A busy one computes between them, the others wait.
func trainer(tb testing.TB, perSecond int, until string, busy bool) []string {
	self, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	kind := map[bool]string{false: "idle", true: "busy"}[busy]
	return []string{self, "trainer", strconv.Itoa(perSecond), until, kind}
}

// train is such a training. Each line carries the time at which it was written
// as its loss, in milliseconds since 1970.
func train(perSecond, until string, busy bool) error {
	rate, err := strconv.Atoi(perSecond)
	if err != nil {
		return err
	}
	every := time.Second / time.Duration(rate)
	next := time.Now()
	for step := 1; ; step++ {
		if _, err := os.Stat(until); err == nil {
			return nil
		}
		now := time.Now()
		_, err := fmt.Fprintf(os.Stdout, "%s - mindformers./output/log[mindformers/core/callback/callback.py:494] - INFO - "+
			"{ Epoch:[  1/  1], step:[%5d/99999], loss:[%.3f/6.909], per_step_time: %dms, lr: 1e-4, "+
			"overflow cond: False, loss_scale: 1.0, global_norm: [0.6068563], train_throughput_per_npu: 0.011T\n",
			now.Format("2006-01-02 15:04:05,000"), step, float64(now.UnixMicro())/1000, every.Milliseconds())
		if err != nil {
			return err
		}
		next = next.Add(every)
		for busy && time.Now().Before(next) {
			continue
		}
		<-time.After(time.Until(next))
	}
}
