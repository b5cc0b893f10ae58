package cmd_test

import (
	"bytes"
	"context"
	"debug/elf"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

// The benchmarks of this file are figures of the socket under load; see
// docs/figures.md.

// writers is how many trainings write meanwhile, ten lines a second each.
const writers = 20

// bare is what a request to the daemon is compared with: net/http alone, in a
// process of its own, which answers with what is in a file.
func bare(socket, file string) error {
	answer, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	return http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(answer)
	}))
}

// unixClient talks to a socket over one connection.
func unixClient(socket string) *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}}
}

func get(tb testing.TB, c *http.Client, path string) []byte {
	resp, err := c.Get("http://ftd" + path)
	require.NoError(tb, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(tb, err)
	require.Equal(tb, http.StatusOK, resp.StatusCode, "%s", text)
	return text
}

func percentile(values []time.Duration, p int) time.Duration {
	slices.Sort(values)
	return values[len(values)*p/100]
}

// BenchmarkSocket asks the daemon for a job that trains, and a bare server for
// the same bytes, while trainings write. The two take turns with each request,
// and at being the first, so that both meet the same machine. Of the rounds the
// median counts: what else the machine does in one of them is nobody's.
func BenchmarkSocket(b *testing.B) {
	const rounds, requests = 10, 500
	h := newHouse(b)
	b.Setenv("FTD_SLOTS", strconv.Itoa(writers))
	h.start()
	jobs, end := h.train(writers, 10, false)

	daemon := unixClient(h.socket())
	path := "/v1/jobs/" + jobs[0]
	answer, socket := filepath.Join(h.dir, "answer"), filepath.Join(h.dir, "bare.sock")
	require.NoError(b, os.WriteFile(answer, get(b, daemon, path), 0o600))
	self, err := os.Executable()
	require.NoError(b, err)
	peer := exec.Command(self, "bare", socket, answer)
	require.NoError(b, peer.Start())
	defer func() {
		_ = peer.Process.Kill()
		_ = peer.Wait()
	}()
	alone := unixClient(socket)
	eventually(b, "the bare server to answer", func() bool {
		resp, err := alone.Get("http://bare/")
		if err == nil {
			resp.Body.Close()
		}
		return err == nil
	})
	clock := func(c *http.Client, path string) time.Duration {
		began := time.Now()
		get(b, c, path)
		return time.Since(began)
	}
	var ours, theirs, oursMiddle, theirsMiddle []time.Duration // of each round
	for range rounds {
		var mine, its []time.Duration
		for i := range requests {
			if i%2 == 0 {
				mine, its = append(mine, clock(daemon, path)), append(its, clock(alone, "/"))
			} else {
				its, mine = append(its, clock(alone, "/")), append(mine, clock(daemon, path))
			}
		}
		ours, theirs = append(ours, percentile(mine, 99)), append(theirs, percentile(its, 99))
		oursMiddle, theirsMiddle = append(oursMiddle, percentile(mine, 50)), append(theirsMiddle, percentile(its, 50))
	}
	end()
	b.ReportMetric(float64(percentile(ours, 50).Microseconds()), "p99-us")
	b.ReportMetric(float64(percentile(theirs, 50).Microseconds()), "bare-p99-us")
	b.ReportMetric(float64(percentile(oursMiddle, 50).Microseconds()), "p50-us")
	b.ReportMetric(float64(percentile(theirsMiddle, 50).Microseconds()), "bare-p50-us")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkStreams has 150 readers of all events, and by turns 50 more that
// never read, and have so much to read that they are stuck from the beginning:
// the others must not notice. Of the rounds the median counts.
func BenchmarkStreams(b *testing.B) {
	const readers, stuck, rounds, watched = 150, 50, 5, 2 * time.Second
	h := newHouse(b)
	b.Setenv("FTD_SLOTS", strconv.Itoa(writers))
	h.start()
	_, end := h.train(writers, 10, false)
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	follow := func(after int) net.Conn {
		conn, err := net.Dial("unix", h.socket())
		require.NoError(b, err)
		_, err = fmt.Fprintf(conn, "GET /v1/events?follow=1&after=%d HTTP/1.1\r\nHost: ftd\r\n\r\n", after)
		require.NoError(b, err)
		return conn
	}
	for range readers - 1 {
		conn := follow(-1)
		defer conn.Close()
		go func() { _, _ = io.Copy(io.Discard, conn) }()
	}
	// The last one looks at the clock.
	arrivals := h.arrivals(ctx)
	p99 := func() time.Duration {
		var late []time.Duration
		for end := time.After(watched); ; {
			select {
			case a := <-arrivals:
				late = append(late, a.late)
			case <-end:
				require.NotEmpty(b, late)
				return percentile(late, 99)
			}
		}
	}
	p99() // all are connected, and there is a past
	var with, without []time.Duration
	for range rounds {
		without = append(without, p99())
		var never []net.Conn
		for range stuck {
			never = append(never, follow(0))
		}
		p99() // what they were given at first is not what this is about
		with = append(with, p99())
		for _, conn := range never {
			conn.Close()
		}
	}
	cancel()
	end()
	b.ReportMetric(float64(percentile(with, 50).Microseconds())/1000, "late-p99-ms")
	b.ReportMetric(float64(percentile(without, 50).Microseconds())/1000, "without-p99-ms")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkManyJobs sends 2,000 jobs of 500 steps through one daemon, and looks
// how much it has grown since the 500th.
func BenchmarkManyJobs(b *testing.B) {
	const all, warm, steps = 2000, 500, 500
	h := newHouse(b)
	b.Setenv("FTD_SLOTS", "8")
	h.start()
	log := filepath.Join(h.dir, "steps.log")
	var text bytes.Buffer
	for i := range steps {
		fmt.Fprintf(&text, "2026-01-01 00:00:00,000 - mindformers./output/log[mindformers/core/callback/callback.py:494] - INFO - "+
			"{ Epoch:[  1/  1], step:[%5d/%d], loss:[6.9/6.909], per_step_time: 10ms, lr: 1e-4, "+
			"overflow cond: False, loss_scale: 1.0, global_norm: [0.6068563], train_throughput_per_npu: 0.011T\n", i+1, steps)
	}
	require.NoError(b, os.WriteFile(log, text.Bytes(), 0o600))
	cat, err := exec.LookPath("cat")
	require.NoError(b, err)
	client := h.client()
	submit := func() {
		_, err := client.Submit(b.Context(), api.Submit{Command: []string{cat, log}, Dir: h.dir})
		require.NoError(b, err)
	}
	began := time.Now()
	for range 64 {
		submit()
	}
	asked, ended, stepsSeen, before := 64, 0, 0, 0.0
	for e, err := range client.Events(b.Context(), api.EventsQuery{Follow: true}) {
		require.NoError(b, err)
		switch {
		case e.Type == api.EventPoints:
			stepsSeen += bytes.Count(e.Data, []byte(`"global_step"`))
		case e.Type == api.EventJob && bytes.Contains(e.Data, []byte(`"state":"succeeded"`)):
			if ended++; ended == warm {
				before = h.pid().resident(b)
			}
			if asked < all {
				asked++
				submit()
			}
		}
		if ended == all {
			break
		}
	}
	b.ReportMetric(float64(ended), "jobs")
	b.ReportMetric(float64(stepsSeen), "steps")
	b.ReportMetric(h.pid().resident(b)-before, "grown-MB")
	b.ReportMetric(h.pid().resident(b), "MB")
	b.ReportMetric(time.Since(began).Seconds(), "s")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkClient is the size of ftctl, which must not need anything of the
// machine it runs on.
func BenchmarkClient(b *testing.B) {
	info, err := os.Stat(bin(b, "ftctl"))
	require.NoError(b, err)
	program, err := elf.Open(bin(b, "ftctl"))
	require.NoError(b, err)
	defer program.Close()
	for _, p := range program.Progs {
		require.NotEqual(b, elf.PT_INTERP, p.Type, "ftctl is not static")
	}
	b.ReportMetric(float64(info.Size())/(1<<20), "MB")
	b.ReportMetric(0, "ns/op")
}
