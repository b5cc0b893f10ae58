package main

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"ftd/api"
	"ftd/api/secret"
	"ftd/launcher"
	"ftd/recipe/doctor"
)

// What of a log goes into a bundle: its end, and no line longer than a screen
// or two.
const (
	bundleLines = 200
	bundleLine  = 4 << 10
)

// bundle is what somebody who is to help needs to see: the findings, the
// versions, the settings, the environment of a training, the config, the ends
// of the logs. Secrets are masked in all of it. What cannot be had, such as the
// settings of a daemon that does not run, is said in missing.txt.
type bundle struct {
	file     string
	job      string
	subject  *doctor.Subject
	findings []doctor.Finding

	secrets secret.Text
	parts   map[string][]byte
	missing []string
}

func (b *bundle) write(c *cobra.Command) error {
	b.parts = map[string][]byte{}
	b.secrets = secret.Knowing(slices.Concat(os.Environ(), b.subject.Start))
	var text bytes.Buffer
	for _, f := range b.findings {
		fmt.Fprintf(&text, "%-8s %-13s %s\n", f.Level, f.Check, f.Found.EN)
	}
	b.parts["findings.txt"] = text.Bytes()
	b.environment(c)
	if b.subject.Text != nil {
		b.parts["config.yaml"] = b.subject.Text
	} else if config, err := os.ReadFile(b.subject.Config); err == nil {
		b.parts["config.yaml"] = config
	}
	client := connect(c)
	defer client.Close()
	daemon := b.daemon(c, client)
	if b.job != "" {
		if err := b.jobs(c, client); err != nil {
			return err
		}
	}
	err := b.add("versions.json", map[string]any{
		"ftctl": version, "ftd": daemon, "env": b.subject.Env, "machine": kernel(), "packages": doctor.Installed(b.subject),
	})
	if err != nil {
		return err
	}
	if len(b.missing) > 0 {
		b.parts["missing.txt"] = []byte(strings.Join(b.missing, "\n") + "\n")
	}
	return b.pack()
}

func (b *bundle) add(name string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	b.parts[name] = append(text, '\n')
	return err
}

func (b *bundle) lacks(what string, err error) {
	b.missing = append(b.missing, what+": "+asError(err).Message)
}

// environment adds what a training would get.
func (b *bundle) environment(c *cobra.Command) {
	env, err := launcher.BuildEnvironment(c.Context(), launcher.EnvRequest{
		Prefix: b.subject.Env, Start: b.subject.Start, Scripts: launcher.ActivationScripts(b.subject.Env, b.subject.Start),
	})
	if err != nil {
		b.lacks("environment.txt", err)
		return
	}
	var lines bytes.Buffer
	for _, v := range env.Vars {
		fmt.Fprintf(&lines, "%s=%s\n", v.Name, oneLine(secret.Value(v.Name, v.Value)))
	}
	b.parts["environment.txt"] = lines.Bytes()
}

// daemon adds the settings of the daemon and the end of its log, and returns
// what it says of itself; nil if none runs.
func (b *bundle) daemon(c *cobra.Command, client *api.Client) *api.Version {
	v, err := client.GetVersion(c.Context())
	if err != nil {
		b.lacks("settings.txt, ftd.log", err)
		return nil
	}
	settings, err := client.Settings(c.Context())
	if err != nil {
		b.lacks("settings.txt", err)
	} else {
		var lines bytes.Buffer
		for _, s := range settings.Settings {
			fmt.Fprintf(&lines, "%s: %v  # %s\n", s.Name, s.Value, s.Origin)
		}
		b.parts["settings.txt"] = lines.Bytes()
	}
	log := filepath.Join(v.State, "ftd.log")
	f, err := os.Open(log)
	if err != nil {
		b.missing = append(b.missing, "ftd.log: "+err.Error()+"; under systemd: journalctl -u ftd -n 200")
		return v
	}
	defer f.Close()
	const most = bundleLines * bundleLine
	end := bufio.NewReader(f)
	if info, err := f.Stat(); err == nil && info.Size() > most {
		_, _ = f.Seek(-most, io.SeekEnd) // else it is read from the beginning
		_, _ = end.ReadBytes('\n')       // what is left of a line may be a secret without its name
	}
	if b.parts["ftd.log"], err = b.lastLines(end); err != nil {
		b.lacks("ftd.log", err)
	}
	return v
}

// jobs adds a job and the end of its log.
func (b *bundle) jobs(c *cobra.Command, client *api.Client) error {
	job, err := client.Job(c.Context(), b.job)
	if err != nil {
		return err
	}
	b.secrets = secret.Knowing(slices.Concat(os.Environ(), b.subject.Start, given(job.Dir)))
	if err := b.add("job.json", job); err != nil {
		return err
	}
	log, err := client.Logs(c.Context(), b.job, api.LogsQuery{Tail: bundleLines})
	if err != nil {
		b.lacks("job.log", err)
		return nil
	}
	b.parts["job.log"], err = b.lastLines(log)
	return errors.Join(err, log.Close())
}

// given are the variables that the programs of a job got, of its recipe too. They
// are where they run, and only their owner can read them.
func given(dir string) []string {
	var all []string
	for _, pattern := range []string{"*", "*/*"} {
		for _, file := range launcher.Glob(dir, pattern+"/spec.json") {
			var spec struct {
				Env []string `json:"env"`
			}
			if text, err := os.ReadFile(file); err == nil && json.Unmarshal(text, &spec) == nil {
				all = append(all, spec.Env...)
			}
		}
	}
	return all
}

// lastLines are the last lines of a text, with what is too long cut off. Secrets
// are masked before that: the half of one would not be known.
func (b *bundle) lastLines(r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	text = b.secrets.Masked(text)
	lines := bytes.SplitAfter(bytes.TrimRight(text, "\n"), []byte("\n"))
	lines = lines[max(0, len(lines)-bundleLines):]
	for i, line := range lines {
		if len(line) > bundleLine {
			lines[i] = append(bytes.ToValidUTF8(line[:bundleLine:bundleLine], nil), " …\n"...)
		}
	}
	return append(bytes.TrimRight(bytes.Join(lines, nil), "\n"), '\n'), nil
}

// kernel is what it says of itself, its name for this host left out.
func kernel() string {
	text, err := os.ReadFile("/proc/version")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// pack writes the parts into one archive, each below a directory of its name.
func (b *bundle) pack() error {
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	archive := tar.NewWriter(zip)
	dir := strings.TrimSuffix(strings.TrimSuffix(filepath.Base(b.file), ".gz"), ".tar")
	for _, name := range slices.Sorted(maps.Keys(b.parts)) {
		text := b.secrets.Masked(b.parts[name])
		header := &tar.Header{Name: dir + "/" + name, Mode: 0o644, Size: int64(len(text)), ModTime: time.Now()}
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		if _, err := archive.Write(text); err != nil {
			return err
		}
	}
	if err := archive.Close(); err != nil {
		return err
	}
	if err := zip.Close(); err != nil {
		return err
	}
	return renameio.WriteFile(b.file, out.Bytes(), 0o600)
}
