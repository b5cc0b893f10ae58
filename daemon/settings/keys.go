package settings

import (
	"strings"
	"time"

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
	f.StringP("output", "o", "text", "the `form` in which ftd config and ftd version print: text or json")
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
	duration := func(name string, p *time.Duration, def time.Duration, doc string) key {
		return key{name: name, doc: doc,
			bind:  func(f *pflag.FlagSet, flag, doc string) { f.DurationVar(p, flag, def, doc) },
			value: func(*Settings) any { return p.String() }}
	}
	metrics := text("metrics_address", &s.MetricsAddress, "127.0.0.1:9466",
		"`host:port` on which Prometheus may scrape; off or empty turns it off")
	metrics.emptiable = true
	d := defaults()
	places := text("places", &s.Places, d.places,
		"where results go that do not fit into the state directory: a `list` of directories with commas between them; what lies in /dev/shm takes memory. Empty: nowhere else")
	places.emptiable = true
	return []key{
		text("state_dir", &s.StateDir, d.stateDir,
			"where jobs, logs, checkpoints and results are kept (a `directory` on a local disk)"),
		places,
		text("socket", &s.Socket, d.socket,
			"the Unix socket on which the daemon listens (a `path`, at most 107 bytes)"),
		text("env", &s.Env, d.env,
			"the Python environment with MindSpore: the `directory` of a conda environment or venv; default: $VIRTUAL_ENV or $CONDA_PREFIX, else the one that ftd was built for"),
		metrics,
		text("metrics_web_config", &s.MetricsWeb, "",
			"a `file` that says how the metrics are protected: TLS, basic authentication; see docs/metrics.md. Empty: not at all"),
		text("log_level", &s.LogLevel, "info",
			"how much the daemon itself logs: trace, debug, info, warn or error (a `level`)"),
		text("log_format", &s.LogFormat, "auto",
			"how it logs: console, json, journal, or auto (a `format`: console on a terminal, journal under systemd, else json)"),
		{name: "slots", doc: "how many jobs run at once (a `number`), apart from those whose trainings hold cards or wait for them; the others wait in line",
			bind:  func(f *pflag.FlagSet, flag, doc string) { f.IntVar(&s.Slots, flag, 1, doc) },
			value: func(s *Settings) any { return s.Slots }},
		{name: "restart_above", doc: "a daemon at rest that holds more than so many `MB` after steps in Python restarts in place to give them back; 0 is never",
			bind:  func(f *pflag.FlagSet, flag, doc string) { f.IntVar(&s.RestartAbove, flag, 1024, doc) },
			value: func(s *Settings) any { return s.RestartAbove }},
		duration("stop_graceful", &s.StopGraceful, 0, "how long a training that looks for an exit request has to end by itself (a `time`; 0s does not ask)"),
		duration("stop_interrupt", &s.StopInterrupt, 30*time.Second, "how long it has after SIGINT (a `time`)"),
		duration("stop_terminate", &s.StopTerminate, 15*time.Second, "how long each of its processes has after SIGTERM, before SIGKILL (a `time`)"),
		text("cards", &s.Cards, cardsAuto,
			"which accelerator cards trainings get (a `list` of logical ids such as 0,2,4-7); auto: all that npu-smi shows, none where there is no npu-smi; off: none, ftd does not care who uses which"),
		text("npu_smi", &s.NPUSMI, "",
			"the `file` of the driver's program npu-smi; empty: it is looked for in PATH, /usr/local/bin and /usr/local/sbin"),
		text("foreign_processes", &s.Foreign, ForeignWait,
			"what becomes of a card that somebody else uses: wait until it is free, or ignore them (a `policy`); with ignore and a list of cards npu-smi is not asked at all"),
		text("skip_checks", &s.SkipChecks, "",
			"checks of the doctor that are left out before jobs and trainings: a `list` of ids with commas between them, or all; `ftctl doctor --help` names them"),
		text("signatures", &s.Signatures, "",
			"a YAML `file` with error signatures of your own, which are looked for before the built-in ones; see docs/ftctl.md"),
		text("notify", &s.Notify, "",
			"a YAML `file` that says whom to tell when jobs end and watchdogs find something, by webhook or command; see docs/operate.md"),
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
