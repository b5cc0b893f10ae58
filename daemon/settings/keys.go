package settings

import (
	"strings"

	"github.com/spf13/pflag"
)

// key is one setting: its name in the file, and what it is for.
type key struct {
	name  string
	doc   string
	bind  func(f *pflag.FlagSet, flag, doc string)
	value func(s *Settings) any
	// emptiable says that a variable set to nothing is a value of its own;
	// elsewhere it counts as not set, as is usual in shells.
	emptiable bool
}

func (k key) flag() string     { return strings.ReplaceAll(k.name, "_", "-") }
func (k key) variable() string { return "FTD_" + strings.ToUpper(k.name) }

// flagSet binds every key to its field of s, with its default. The flags are
// the one place that knows the types and checks the values.
func flagSet(s *Settings) (*pflag.FlagSet, []key) {
	keys := table(s)
	f := pflag.NewFlagSet("ftd", pflag.ContinueOnError)
	f.SortFlags = false
	f.Usage = func() {}
	f.String("config", "", "the settings file, instead of the first of the usual ones that exists")
	// `ftd config -o json` shares the command line; the key table does not
	// list it because it is no setting.
	f.StringP("output", "o", "text", "how `ftd config` and `ftd version` print: text or json")
	for _, k := range keys {
		k.bind(f, k.flag(), k.doc)
	}
	return f, keys
}

func table(s *Settings) []key {
	text := func(name string, p *string, def, doc string) key {
		return key{name: name, doc: doc,
			bind:  func(f *pflag.FlagSet, flag, doc string) { f.StringVar(p, flag, def, doc) },
			value: func(*Settings) any { return *p }}
	}
	metrics := text("metrics_address", &s.MetricsAddress, "127.0.0.1:9466",
		"`host:port` on which Prometheus may scrape; off or empty turns it off")
	metrics.emptiable = true
	d := defaults()
	return []key{
		text("state_dir", &s.StateDir, d.stateDir,
			"where jobs, logs, checkpoints and results are kept (a `directory` on a local disk)"),
		text("socket", &s.Socket, d.socket,
			"the Unix socket on which the daemon listens (a `path`, at most 107 bytes)"),
		text("env", &s.Env, d.env,
			"the Python environment with MindSpore: the `directory` of a conda environment or venv; default: $VIRTUAL_ENV or $CONDA_PREFIX"),
		metrics,
		text("log_level", &s.LogLevel, "info",
			"how much the daemon itself logs: trace, debug, info, warn or error (a `level`)"),
		text("log_format", &s.LogFormat, "auto",
			"how it logs: console, json, or auto (a `format`: console on a terminal, else json)"),
		{name: "slots", doc: "how many jobs run at once (a `number`); the others wait in line",
			bind:  func(f *pflag.FlagSet, flag, doc string) { f.IntVar(&s.Slots, flag, 1, doc) },
			value: func(s *Settings) any { return s.Slots }},
		text("group", &s.Group, "",
			"members of this Unix `group` may use the daemon like its owner; empty: nobody but the owner and root"),
		{name: "read_for_others", doc: "everybody on the machine may look at jobs, logs and metrics, and change nothing",
			bind:  func(f *pflag.FlagSet, flag, doc string) { f.BoolVar(&s.ReadForOthers, flag, false, doc) },
			value: func(s *Settings) any { return s.ReadForOthers }},
		text("shim", &s.Shim, d.shim,
			"the program `file` that holds each training, ftd-shim"),
		text("libexec", &s.Libexec, d.libexec,
			"the `directory` of the daemons, one for each Python version (ftd-cp311)"),
	}
}
