package logparse_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ftd/logparse"
)

// records parses text and returns copies of its records.
func records(text string) []logparse.Record {
	var out []logparse.Record
	p := logparse.NewParser()
	emit := func(r *logparse.Record) { out = append(out, *r) }
	p.Feed([]byte(text), emit)
	p.Flush(emit)
	return out
}

// only parses text and returns its one record that is no phase.
func only(t *testing.T, text string) logparse.Record {
	t.Helper()
	var found []logparse.Record
	for _, r := range records(text) {
		if r.Kind != logparse.KindPhase && r.Kind != logparse.KindSetting {
			found = append(found, r)
		}
	}
	require.Len(t, found, 1, text)
	return found[0]
}

// heads are the prefixes of the versions, as format strings for time.
var heads = []string{
	"%s - mindformers - INFO - ",
	"%s - mindformers[callback.py:306] - INFO - ",
	"%s - mindformers[mindformers/core/callback/callback.py:314] - INFO - ",
	"%s - mindformers./output/log[mindformers/core/callback/callback.py:529] - INFO - ",
	"%s - mindformers/home/ma-user/my - work [1]/output/log[mindformers/core/callback/callback.py:616] - INFO - ",
	"%s - [mindformers/core/callback/callback.py:529] - INFO - ",
	"[INFO] %s [/home/ma-user/work/mindformers/mindformers/core/callback/callback.py:270] print_output_info: ",
	"[INFO] %s [mindformers/core/callback/callback.py:616] print_output_info: ",
	"[rank3]: %s - mindformers - INFO - ",
	"2025-07-09T04:00:00.123456789Z stdout F %s - mindformers[callback.py:306] - INFO - ",
	"[1,0]<stdout>:[INFO] %s [mindformers/core/callback/callback.py:616] print_output_info: ",
}

const stamp = "2025-07-09 12:00:00,123"

func num(v float64) logparse.Number { return logparse.Number{Value: v, Known: true} }

// equalSteps compares steps, taking NaN for equal to NaN.
func equalSteps(t *testing.T, want, got logparse.Step, line string) {
	t.Helper()
	require.Equal(t, fmt.Sprintf("%+v", want), fmt.Sprintf("%+v", got), line)
}

func TestStepFormats(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	base := logparse.Step{Epoch: 1, Epochs: 2, Step: 10, Total: 25, Loss: 2.718, StepMS: 1234}
	with := func(change func(*logparse.Step)) logparse.Step {
		s := base
		change(&s)
		return s
	}
	f1 := func(s *logparse.Step) {
		s.Format, s.MeanLoss, s.StepMS = logparse.FormatF1, num(2.9), 1234.567
		s.LR, s.Overflow, s.LossScale = num(9.9e-6), logparse.False, num(65536)
	}
	f2 := func(s *logparse.Step) {
		s.Format, s.LR, s.Overflow, s.LossScale = logparse.FormatF2, num(9.9e-6), logparse.False, num(1)
	}
	f3 := func(s *logparse.Step) { f2(s); s.Format, s.GlobalNorm = logparse.FormatF3, num(1.31136) }
	for _, c := range []struct {
		message string
		want    logparse.Step
	}{
		{"Epoch:[  0/  2], step:[   10/   25], loss:[2.718/2.900], time:1234.567 ms, lr:9.9e-06",
			with(func(s *logparse.Step) {
				s.Format, s.Epoch, s.MeanLoss, s.StepMS, s.LR = logparse.FormatF0, 0, num(2.9), 1234.567, num(9.9e-6)
			})},
		{"Epoch:[  0/  2], step:[   10/   25], loss:[2.718/2.900], time:1234.567 ms, lr:Not Set LR.",
			with(func(s *logparse.Step) {
				s.Format, s.Epoch, s.MeanLoss, s.StepMS = logparse.FormatF0, 0, num(2.9), 1234.567
			})},
		{"Epoch:[  0/  2], step:[   10/   25], loss:[2.718/2.900], time:1234.567 ms, lr:Not support LR <class 'x.Y'> type compute!",
			with(func(s *logparse.Step) {
				s.Format, s.Epoch, s.MeanLoss, s.StepMS = logparse.FormatF0, 0, num(2.9), 1234.567
			})},
		{"Epoch:[  1/  2], step:[   10/   25], loss:[2.718/2.900], time:1234.567 ms, lr:9.9e-06, overflow cond: False, loss_scale: 65536.0", with(f1)},
		{"Epoch:[  1/  2], step:[   10/   25], loss:[2.718/2.900], time:1234.567 ms, lr:[9.9e-06], overflow cond: False, loss_scale: 65536.0", with(f1)},
		{"Epoch:[  1/  2], step:[   10/   25], loss:[2.718/2.900], time:1234.567 ms, lr:CPU Mode Not Support Compute LR Now., overflow cond: False, loss_scale: 65536.0",
			with(func(s *logparse.Step) { f1(s); s.LR = logparse.Number{} })},
		{"Epoch:[  1/  2], step:[   10/   25], loss:[2.718/2.900], time:1234.567 ms, overflow cond: False, loss_scale: unavailable",
			with(func(s *logparse.Step) { f1(s); s.LR, s.LossScale = logparse.Number{}, logparse.Number{} })},
		{"Epoch:[  1/  2], step:[   10/   25], loss: 2.718, time:1234.567 ms, lr:8e-08, overflow cond: False, loss_scale: 128.0",
			with(func(s *logparse.Step) {
				f1(s)
				s.MeanLoss, s.LR, s.LossScale = logparse.Number{}, num(8e-8), num(128)
			})},
		{"{ Epoch:[  1/  2], step:[   10/   25], loss: 2.718, per_step_time: 1234ms, lr: 9.9e-06, overflow cond: False, loss_scale: 1.0", with(f2)},
		{"{ Epoch:[  1/  2], step:[   10/   25], loss:[2.718/2.900], per_step_time: 1234ms, overflow cond: True, loss_scale: [65536.]",
			with(func(s *logparse.Step) {
				s.Format, s.MeanLoss, s.Overflow, s.LossScale = logparse.FormatF2, num(2.9), logparse.True, num(65536)
			})},
		{"{ Epoch:[  1/  2], step:[   10/   25], loss:   nan, per_step_time: 1234ms, lr: 9.9e-06, overflow cond: True, loss_scale: 1.0",
			with(func(s *logparse.Step) { f2(s); s.Loss, s.Overflow = nan, logparse.True })},
		{"{ Epoch:[  1/  2], step:[   10/   25], loss:[  nan/  nan], per_step_time: 1234ms, lr: 9.9e-06, overflow cond: True, loss_scale: 1.0",
			with(func(s *logparse.Step) { f2(s); s.Loss, s.MeanLoss, s.Overflow = nan, num(nan), logparse.True })},
		{"{ Epoch:[  1/  2], step:[   10/   25], loss: 2.718, per_step_time: 1234ms, lr: 9.9e-06, overflow cond: [ True], loss_scale: [65536.]",
			with(func(s *logparse.Step) { f2(s); s.Overflow, s.LossScale = logparse.True, num(65536) })},
		{"{ Epoch:[  1/  2], step:[   10/   25], loss:   inf, per_step_time: 1234ms, lr: [1.e-05], overflow cond: True, loss_scale: 1.0",
			with(func(s *logparse.Step) { f2(s); s.Loss, s.LR, s.Overflow = inf, num(1e-5), logparse.True })},
		{"{ Epoch:[  1/  2], step:[   10/   25], loss:  -inf, per_step_time: 1234ms, overflow cond: True, loss_scale: 1.0",
			with(func(s *logparse.Step) { f2(s); s.Loss, s.LR, s.Overflow = -inf, logparse.Number{}, logparse.True })},
		{"{ Epoch:[  1/  2], step:[   10/   25], loss: None, per_step_time: 1234ms, overflow cond: False, loss_scale: 1.0",
			with(func(s *logparse.Step) { f2(s); s.Loss, s.NoLoss, s.LR = nan, true, logparse.Number{} })},
		{"{ Epoch:[  1/  2], step:[   10/   25], loss: 2.718, per_step_time: 1234ms, lr: 9.9e-06, overflow cond: False, loss_scale: 1.0, global_norm: [1.31136]", with(f3)},
		{"{ Epoch:[  1/  2], step:[   10/   25], loss:[2.718/2.900], per_step_time: 1234ms, lr: 9.9e-06, overflow cond: False, loss_scale: 1.0, global_norm: None",
			with(func(s *logparse.Step) { f3(s); s.MeanLoss, s.GlobalNorm = num(2.9), logparse.Number{} })},
		{"{ Epoch:[  1/  2], step:[   10/   25], loss: 2.718, per_step_time: 1234ms, lr: 9.9e-06, overflow cond: False, loss_scale: 1.0, global_norm: [nan], train_throughput_per_npu: 171.176T",
			with(func(s *logparse.Step) {
				f3(s)
				s.Format, s.GlobalNorm, s.Throughput = logparse.FormatF4, num(nan), num(171.176)
			})},
		{"{ Epoch:[  1/  2], step:[   10/   25], loss: 2.718300, lm_loss: 2.600000, load_balancing_loss: 0.010000, mtp_loss: 0.300000, per_step_time: 1234ms, lr: 9.9e-06, overflow cond: False, loss_scale: 1.0, global_norm: [1.31136]",
			with(func(s *logparse.Step) {
				f3(s)
				s.Format, s.Loss, s.LMLoss, s.BalanceLoss, s.MTPLoss = logparse.FormatF5, 2.7183, num(2.6), num(0.01), num(0.3)
			})},
		{"{ Epoch:[  1/  2], step:[   10/   25], loss:[2.718300/2.900000], per_step_time: 1234ms, overflow cond: False, loss_scale: unavailable, global_norm: nan",
			with(func(s *logparse.Step) {
				s.Format, s.Loss, s.MeanLoss, s.Overflow, s.GlobalNorm = logparse.FormatF5, 2.7183, num(2.9), logparse.False, num(nan)
			})},
		// r1.7.0-beta1 and beta3 have names of their own.
		{"{ Epoch:[  1/  2], step:[   10/   25], loss: 2.718, lm_loss: 2.600, aux_loss: 0.010, mtp_loss: 0.300, kl_loss: 0.700, per_step_time: 1234ms, lr: 9.9e-06, overflow cond: False, loss_scale: 1.0, global_norm: [1.31136]",
			with(func(s *logparse.Step) {
				f3(s)
				s.Format, s.LMLoss, s.BalanceLoss, s.MTPLoss, s.KLLoss = logparse.FormatF5, num(2.6), num(0.01), num(0.3), num(0.7)
			})},
		{"{ Epoch:[  1/  2], step:[   10/   25], loss: 2.718300, lm loss: 2.600000, per_step_time: 1234ms, lr: [9.9e-06 2.e-06], overflow cond: False, loss_scale: 1.0, global_norm: [1.31136]",
			with(func(s *logparse.Step) {
				f3(s)
				s.Format, s.Loss, s.LMLoss = logparse.FormatF5, 2.7183, num(2.6)
			})},
		{"{ step:[   10/   25], loss: 2.718300, per_step_time: 1234ms }",
			logparse.Step{Format: logparse.FormatF6, Step: 10, Total: 25, Loss: 2.7183, StepMS: 1234}},
		{"{ step:[   10/   25], loss: 2.718300, per_step_time: 1234ms, lr: 1.000000e-05 }",
			logparse.Step{Format: logparse.FormatF6, Step: 10, Total: 25, Loss: 2.7183, StepMS: 1234, LR: num(1e-5)}},
		{"{ Epoch:[  1/  1], step:[123456/1234567], loss: 123.456, per_step_time: 99999ms, lr: 0.0, overflow cond: False, loss_scale: 1.5e+38, global_norm: [nan]",
			logparse.Step{Format: logparse.FormatF3, Epoch: 1, Epochs: 1, Step: 123456, Total: 1234567, Loss: 123.456, StepMS: 99999,
				LR: num(0), Overflow: logparse.False, LossScale: num(1.5e38), GlobalNorm: num(nan)}},
		// A field that no version has yet does not hide the others.
		{"{ Epoch:[  1/  2], step:[   10/   25], loss: 2.718, z_loss: 0.1, per_step_time: 1234ms, lr: 9.9e-06, router: [1, 2, 3], overflow cond: False, loss_scale: 1.0, global_norm: [1.31136]", with(f3)},
	} {
		for _, head := range heads {
			line := fmt.Sprintf(head, stamp) + c.message
			r := only(t, line+"\n")
			require.Equal(t, logparse.KindStep, r.Kind, line)
			require.Equal(t, time.Date(2025, 7, 9, 12, 0, 0, 123e6, time.UTC), r.Time, line)
			equalSteps(t, c.want, r.Step, line)
		}
		// As a person copies it, and as cut, sed and terminals leave it.
		for _, line := range []string{
			c.message, "  " + c.message, "mindformers[callback.py:305] - INFO - " + c.message, "- INFO - " + c.message,
			fmt.Sprintf(heads[1], stamp) + c.message + "\r",
			"\x1b[32m" + fmt.Sprintf(heads[1], stamp) + "\x1b[0m" + c.message + "\x1b[0m",
			"\x00\x00\x00" + fmt.Sprintf(heads[1], stamp) + c.message,
		} {
			r := only(t, line+"\n")
			require.Equal(t, logparse.KindStep, r.Kind, line)
			equalSteps(t, c.want, r.Step, line)
		}
	}
}

func TestNotSteps(t *testing.T) {
	head := fmt.Sprintf(heads[1], stamp)
	for _, line := range []string{
		"{ Epoch:[  1/  2], step:[   10/   25", "{ Epoch:[  1/  2], step:[   10/   25], loss:[2.7",
		"{ Epoch:[  1/  2], step:[   10/   25], loss:[2.7/2.9", "Epoch:[  1/  2], loss: 2.7",
		"{ Epoch:[  1/  2], step:[   10/   25], loss:[2.718/2.900], per_step_time: 12",
		"step:[x/y], loss: 2.7, per_step_time: 1ms", "{", "E", "s", "step:[1/2]", "set step:[1/2] to something",
	} {
		for _, text := range []string{line, head + line, line + "\n", head + line + "\n"} {
			for _, r := range records(text) {
				require.NotEqual(t, logparse.KindStep, r.Kind, text)
			}
		}
	}
	// Cut short by a crash: what came before the time is believed only with it.
	require.Empty(t, records(head+"{ Epoch:[  1/  2], step:[   10/   25], loss: 2.7"))
	require.NotEmpty(t, records(head+"{ Epoch:[  1/  2], step:[   10/   25], loss: 2.7, per_step_time: 12ms, lr: 0."))
}

func TestProgressLines(t *testing.T) {
	bar := strings.Repeat("█", 10) + strings.Repeat(" ", 40)
	day := 86400.0
	for line, want := range map[string]logparse.Progress{
		"   20.0% |" + strings.Repeat("▮", 10) + strings.Repeat(" ", 40) + "| 3.24 samples/s/p  1 day, 2:03:04 }": {Percent: 20, SamplesPerSec: 3.24, SecondsLeft: day + 7384},
		"   20.0% |" + bar + "| 25.09 samples/s/p  0:00:06 }":                                                     {Percent: 20, SamplesPerSec: 25.09, SecondsLeft: 6},
		"   99.9% |" + bar + "| 0.50000 samples/s/p  3 days, 0:00:05 }":                                           {Percent: 99.9, SamplesPerSec: 0.5, SecondsLeft: 3*day + 5},
		"   104.0% |" + bar + "| 0.50000 samples/s/p  -1 day, 23:59:30 }":                                         {Percent: 104, SamplesPerSec: 0.5, SecondsLeft: -30},
		"   100.0% |" + bar + "| 12345.60000 samples/s/p  0:00:00 }":                                              {Percent: 100, SamplesPerSec: 12345.6},
		"    0.0% |" + strings.Repeat(" ", 50) + "| 0.00600 samples/s/p  25 days, 2:07:47 }":                      {SamplesPerSec: 0.006, SecondsLeft: 25*day + 7667},
	} {
		for _, head := range append([]string{"- INFO - %.0s", "%.0s"}, heads...) {
			r := only(t, fmt.Sprintf(head, stamp)+line+"\n")
			require.Equal(t, logparse.KindProgress, r.Kind)
			require.InDelta(t, want.SecondsLeft, r.Progress.SecondsLeft, 1e-9, line)
			r.Progress.SecondsLeft = want.SecondsLeft
			require.Equal(t, want, r.Progress, line)
		}
	}
}

func TestEpochLines(t *testing.T) {
	for line, want := range map[string]logparse.Epoch{
		"Epoch time: 12345.678 ms, per step time: 1234.567 ms, avg loss: 2.900":              {MS: 12345.678, StepMS: 1234.567, MeanLoss: 2.9},
		"Per sink_size step time: 12345.678 ms, per step time: 1234.567 ms, avg loss: 2.900": {MS: 12345.678, StepMS: 1234.567, MeanLoss: 2.9},
		"Train epoch time: 101539.306 ms, per step time: 65.006 ms":                          {MS: 101539.306, StepMS: 65.006, MeanLoss: math.NaN()},
		"Eval epoch time: 1539.306 ms, per step time: 65.006 ms (data time: 1.000 ms)":       {MS: 1539.306, StepMS: 65.006, MeanLoss: math.NaN(), Eval: true},
		" epoch time: 36501.857 ms, per step time: 935.945 ms":                               {MS: 36501.857, StepMS: 935.945, MeanLoss: math.NaN()},
		"Epoch 3 finished. Time: 12.34s":                                                     {MS: 12340, MeanLoss: math.NaN()},
	} {
		for _, head := range append([]string{"%.0s"}, heads...) {
			r := only(t, fmt.Sprintf(head, stamp)+line+"\n")
			require.Equal(t, logparse.KindEpoch, r.Kind)
			require.Equal(t, fmt.Sprintf("%+v", want), fmt.Sprintf("%+v", r.Epoch), line)
		}
	}
}

func TestStateLines(t *testing.T) {
	for line, want := range map[string]logparse.State{
		"Epoch:[  1/  2], step:[   10/   25] local_norm/model.layers.0.attention.wq.weight: 0.1234": {Epoch: 1, Epochs: 2, Step: 10, Total: 25, Tag: "local_norm/model.layers.0.attention.wq.weight", Value: "0.1234"},
		"Epoch:[  1/  2], step:[   10/   25] max_attention_logit/layer0: [1.0, 2.0]":                {Epoch: 1, Epochs: 2, Step: 10, Total: 25, Tag: "max_attention_logit/layer0", Value: "[1.0, 2.0]"},
	} {
		r := only(t, fmt.Sprintf(heads[3], stamp)+line+"\n")
		require.Equal(t, logparse.KindState, r.Kind)
		require.Equal(t, want, r.State)
	}
}

func TestLossMonitorLines(t *testing.T) {
	r := only(t, "epoch: 2 step: 1562, loss is 1.3616204\n")
	equalSteps(t, logparse.Step{Format: logparse.FormatLossMonitor, Epoch: 2, Step: 1562, Loss: 1.3616204}, r.Step, "")
	require.True(t, math.IsNaN(only(t, "epoch: 2 step: 1562, loss is nan\n").Step.Loss))
	require.True(t, only(t, "epoch: 2 step: 1562, loss is Tensor(...)\n").Step.NoLoss)
	for _, line := range []string{ // loops of MindSpore's tutorials and of model_zoo
		"epoch: 2, step: 1562, loss is 1.25", "epoch:2 step:1562, loss is 1.25", "epoch: 2 step 1562, loss is 1.25",
		"Epoch: 2 Step: 1562, loss is 1.25", "epoch: 2 step: 1562 , loss is 1.25, average time per step is 0.33",
		"2025-07-09 12:00:00,123 - mindformers - INFO - epoch: 2 step: 1562, loss is 1.25",
	} {
		r := only(t, line+"\n")
		equalSteps(t, logparse.Step{Format: logparse.FormatLossMonitor, Epoch: 2, Step: 1562, Loss: 1.25}, r.Step, line)
	}
	for _, line := range []string{"epoch: 2 total: 3, loss is 1.25", "epoch: 2 step: x, loss is 1.25", "epoch: 2 step: 3,", "epoch: , loss is 2"} {
		require.Empty(t, records(line+"\n"), line)
	}
}

// The pynative trainer, as r1.9, r2.0 and master print its steps.
func TestPynativeSteps(t *testing.T) {
	head := "2026-07-24 12:00:00,123 - mindformers/w/output/log[mindformers/pynative/callback/loss_callback.py:337] - INFO - "
	step := logparse.Step{Format: logparse.FormatF6, Step: 1, Total: 10, Loss: 11.813965, StepMS: 13570, LR: num(1e-5), GlobalNorm: num(13.831877), Throughput: num(1.36)}
	equalSteps(t, step, only(t, head+"{ step:[    1/   10], loss:  11.813965, per_step_time:  13570ms, lr: 1.000000e-05, grad_norm:  13.831877, throughput:   1.36T }\n").Step, "r1.9")
	step.BalanceLoss, step.MTPLoss = num(1.093977), num(3.5)
	equalSteps(t, step, only(t, head+"{ step:[    1/   10], loss:  11.813965, per_step_time:  13570ms, load_balancing_loss:   1.093977, indexer_loss:   0.250000, "+
		"mtp_1_loss:   3.500000, mtp_2_loss:   4.500000, lr: 1.000000e-05, grad_norm:  13.831877, throughput:   1.36T }\n").Step, "r2.0")
	equalSteps(t, step, only(t, head+"{ step:[    1/   10], consumed_samples: 8, global_batch_size: 8, loss:  11.813965, per_step_time:  13570ms, "+
		"load_balancing_loss:   1.093977, mtp_1_loss:   3.500000, lr: 1.000000e-05, grad_norm:  13.831877, throughput:   1.36T }\n").Step, "master")
	other := only(t, head+"{ step:[    1/   10], loss: N/A (non-last PP stage, refer to last stage for real loss), per_step_time:  13570ms, grad_norm: NaN }\n").Step
	require.True(t, other.NoLoss)
	require.False(t, other.GlobalNorm.Known, "NaN stands for a norm that was not computed")
	require.InDelta(t, 13570, other.StepMS, 0)
	require.True(t, math.IsNaN(only(t, head+"{ step:[    1/   10], loss:        nan, per_step_time:  13570ms, grad_norm:        nan }\n").Step.GlobalNorm.Value))

	var phases []logparse.Phase
	for _, r := range records(head + "Loading config from yaml file: a.yaml\n" + head + "Building model from config...\n" + head + "Building dataset from config...\n" +
		head + "{ step:[    1/   10], loss:  11.813965, per_step_time:  13570ms }\n" + head + "Checkpoint saved at step 1 to ./output\n") {
		if r.Kind == logparse.KindPhase {
			phases = append(phases, r.Phase)
		}
	}
	require.Equal(t, []logparse.Phase{logparse.PhaseStarting, logparse.PhaseLoading, logparse.PhaseTraining}, phases)
}

// Loops of one's own may count from zero.
func TestLossMonitorCountsFromZero(t *testing.T) {
	line := func(epoch, step int) string { return fmt.Sprintf("epoch: %d, step: %d, loss is 2.5\n", epoch, step) }
	steps := func(log string) (got []int64) {
		for _, r := range records(log) {
			if r.Kind == logparse.KindStep {
				got = append(got, r.Step.GlobalStep())
			}
		}
		return got
	}
	run := line(0, 0) + line(0, 1) + line(0, 2) + line(1, 0) + line(1, 1) + line(1, 2) + line(2, 0)
	want := []int64{0, 1, 2, 3, 4, 5, 6}
	require.Equal(t, want, steps(run))
	require.Equal(t, append(want, want...), steps(run+run))
	require.Equal(t, append(want, 1, 2, 3, 4), steps(run+line(0, 1)+line(0, 2)+line(1, 0)+line(1, 1)))
	require.Equal(t, []int64{4, 8, 12}, steps(line(0, 4)+
		"[1,0]<stdout>:Train epoch time: 40.000 ms, per step time: 10.000 ms\n"+line(1, 4)+line(2, 4)))
}

// What LossMonitor does not print, its lines tell together, and those of TimeMonitor.
func TestLossMonitorCountsOverAllEpochs(t *testing.T) {
	line := func(epoch, step int) string { return fmt.Sprintf("epoch: %d step: %d, loss is 2.5\n", epoch, step) }
	for name, c := range map[string]struct {
		log  string
		want []int64
	}{
		"every step":           {line(1, 1) + line(1, 2) + line(1, 3) + line(2, 1) + line(2, 2) + line(2, 3) + line(3, 1), []int64{1, 2, 3, 4, 5, 6, 7}},
		"every third of eight": {line(1, 3) + line(1, 6) + line(2, 1) + line(2, 4) + line(2, 7) + line(3, 2), []int64{3, 6, 9, 12, 15, 18}},
		"one line an epoch":    {line(1, 8) + line(2, 8) + line(3, 8), []int64{8, 16, 24}},
		"the time of an epoch": {line(1, 5) + "Train epoch time: 416.083 ms, per step time: 52.010 ms\n" + line(2, 2), []int64{5, 10}},
		"the evaluation's":     {line(1, 5) + "Eval epoch time: 416.083 ms, per step time: 52.010 ms\n" + line(2, 2), []int64{5, 2}},
		"not known yet":        {line(4, 1) + line(4, 2) + line(5, 1) + line(5, 2), []int64{1, 2, 9, 10}},
		"two runs":             {line(1, 1) + line(1, 2) + line(2, 1) + line(1, 1) + line(1, 2) + line(1, 3) + line(2, 1), []int64{1, 2, 3, 1, 2, 3, 4}},
		"two ranks":            {line(1, 1) + line(1, 1) + line(1, 2) + line(1, 2) + line(2, 1) + line(2, 1), []int64{1, 1, 2, 2, 3, 3}},
	} {
		for _, cut := range []bool{false, true} {
			var got []int64
			p := logparse.NewParser()
			emit := func(r *logparse.Record) {
				if r.Kind == logparse.KindStep {
					got = append(got, r.Step.GlobalStep())
				}
			}
			for _, l := range strings.SplitAfter(c.log, "\n") {
				p.Feed([]byte(l), emit)
				if !cut {
					continue
				}
				state, err := p.State()
				require.NoError(t, err)
				p = logparse.NewParser()
				require.NoError(t, p.Restore(state))
			}
			require.Equal(t, c.want, got, "%s, cut %t", name, cut)
		}
	}
}

// Several ranks print into one file, each with a tag or without a buffer.
func TestLossMonitorLinesOfSeveralRanks(t *testing.T) {
	for line, want := range map[string][]float64{
		"[1,0]<stdout>:epoch: 1 step: 5, loss is 2.5":                           {2.5},
		"[rank7]: epoch: 1 step: 5, loss is 2.5":                                {2.5},
		"trainer-1  | epoch: 1 step: 5, loss is 2.5":                            {2.5},
		"3: epoch: 1 step: 5, loss is 2.5":                                      {2.5},
		" 12: epoch: 1 step: 5, loss is 2.5":                                    {2.5},
		"\xef\xbb\xbfepoch: 1 step: 5, loss is 2.5":                             {2.5},
		"2025-07-09T04:00:00.123456789Z stdout F epoch: 1 step: 5, loss is 2.5": {2.5},
		"2025-07-09T04:00:00.123456789Z epoch: 1 step: 5, loss is 2.5":          {2.5},
		"epoch: 1 step: 5, loss is 2.5epoch: 1 step: 5, loss is 2.25\n":         {2.5, 2.25},
		"epoch: 1 step: 5, loss is nanepoch: 1 step: 5, loss is 1e-5\n":         {math.NaN(), 1e-5},
		"the best so far was epoch: 1 step: 5, loss is 2.5":                     nil,
		"Nov 29 05:10:11 epoch: 1 step: 5, loss is 2.5":                         {2.5}, // ts
		"00:01:02.345678 epoch: 1 step: 5, loss is 2.5":                         {2.5}, // ts -s
		"1764393011.123 epoch: 1 step: 5, loss is 2.5":                          {2.5},
		"2025-07-09T04:00:00.12+08:00 epoch: 1 step: 5, loss is 2.5":            {2.5}, // containerd
		"[2025-07-09 04:00:00] epoch: 1 step: 5, loss is 2.5":                   {2.5},
		"2025-07-09 04:00:00,123:INFO:epoch: 1 step: 5, loss is 2.5":            {2.5},
		"node1: epoch: 1 step: 5, loss is 2.5":                                  {2.5}, // pdsh
		"192.168.1.4: epoch: 1 step: 5, loss is 2.5":                            {2.5},
		"train_parallel0/log:epoch: 1 step: 5, loss is 2.5":                     {2.5}, // grep
		"(Worker pid=12, ip=10.0.0.1) epoch: 1 step: 5, loss is 2.5":            {2.5}, // Ray
		"In epoch: 1 step: 5, loss is 2.5":                                      nil,
		"see (above) epoch: 1 step: 5, loss is 2.5":                             nil,
		"at 5:10 epoch: 1 step: 5, loss is 2.5":                                 nil,
		"# epoch: 1 step: 5, loss is greater than 500":                          nil,
		"the best so far: epoch: 1 step: 5, loss is 2.5":                        nil,
	} {
		var got []float64
		for _, r := range records(line + "\n") {
			if r.Kind == logparse.KindStep {
				require.EqualValues(t, 5, r.Step.Step, line)
				got = append(got, r.Step.Loss)
			}
		}
		require.Equal(t, fmt.Sprint(want), fmt.Sprint(got), line)
	}
}

// What a newer MindSpore prints between steps belongs to none of them.
func TestMindSporeTimes(t *testing.T) {
	for line, want := range map[string]time.Time{
		// C++ pads the fraction; Python prints whole microseconds, unpadded.
		"[ERROR] DEVICE(16158,fffe34f491e0,python):2023-12-29-12:03:03.764.629 [mindspore/ccsrc/a.cc:674] TaskFailCallback] Memory not enough: x":       time.Date(2023, 12, 29, 12, 3, 3, 764629000, time.UTC),
		"[ERROR] ME(4530:139692336806784,MainProcess):2026-11-23-12:22:25.237.62 [mindspore/context.py:854] Memory not enough: x":                       time.Date(2026, 11, 23, 12, 22, 25, 23762000, time.UTC),
		"[ERROR] ME(4530:139692336806784,MainProcess):2026-11-23-12:15:53.910.00 [mindspore/context.py:854] Memory not enough: x":                       time.Date(2026, 11, 23, 12, 15, 53, 91000000, time.UTC),
		"[ERROR] ME(4530:139692336806784,MainProcess):2026-11-23-12:15:57.512. [mindspore/context.py:854] Memory not enough: x":                         time.Date(2026, 11, 23, 12, 15, 57, 512000, time.UTC),
		"[ERROR] GE(946748,main):2025-05-19-15:59:07.739.753 [host_cpu_engine.cc:288]947062 LoadLib: Memory not enough: x":                              time.Date(2025, 5, 19, 15, 59, 7, 739753000, time.UTC),
		"2025-07-09 12:00:00,123 - mindformers - ERROR - Memory not enough: x":                                                                          time.Date(2025, 7, 9, 12, 0, 0, 123e6, time.UTC),
		"2024-12-25 09:58:34,125 [ERROR] Memory not enough: x":                                                                                          time.Date(2024, 12, 25, 9, 58, 34, 125e6, time.UTC),
		"[CRITICAL] 2026-11-23 12:22:43,042 [4530] [SDK] : Memory not enough: x":                                                                        time.Date(2026, 11, 23, 12, 22, 43, 42e6, time.UTC),
		"[ERROR] 2026-11-23 12:22:43,042 [mindformers/core/parallel.py:88] init_communication: Memory not enough: x":                                    time.Date(2026, 11, 23, 12, 22, 43, 42e6, time.UTC),
		"pod-0 [ERROR] DEVICE(16158,fffe34f491e0,python):2023-12-29-12:03:03.764.629 [mindspore/ccsrc/a.cc:674] TaskFailCallback] Memory not enough: x": time.Date(2023, 12, 29, 12, 3, 3, 764629000, time.UTC),
	} {
		r := only(t, line+"\n")
		require.Equal(t, "device-oom", r.Problem.Signature.ID, line)
		require.Equal(t, want, r.Time, line)
		require.True(t, strings.HasSuffix(r.Problem.Text, "Memory not enough: x"), r.Problem.Text)
	}
}
