// Package settings reads what a person may set: one YAML file, an environment
// variable for each key, a flag for each key. A flag wins over a variable, a
// variable over the file, the file over the default, and every value remembers
// where it came from, so that `ftd config` can say so.
//
// [Load] does all of it. The keys are one table, in keys.go: a new setting is
// a field of [Settings] and a line there, and the flag, the variable, the
// file's key, the help and `ftd config` follow from it.
package settings

import (
	"errors"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"ftd/api"
)

// Settings are the effective settings. The fields are explained in keys.go.
type Settings struct {
	StateDir       string
	Places         string // see PlaceList
	Socket         string
	Env            string
	MetricsAddress string
	MetricsWeb     string
	LogLevel       string
	LogFormat      string
	Slots          int
	StopGraceful   time.Duration
	StopInterrupt  time.Duration
	StopTerminate  time.Duration
	Cards          string
	NPUSMI         string
	Foreign        string // processes on cards
	SkipChecks     string // see SkipCheckList
	Signatures     string
	Notify         string
	Group          string
	ReadForOthers  bool
	Shim           string
	Libexec        string
	RestartAbove   int // MB

	// File is the settings file that was read, "" if there was none.
	File string
	// Output is how to print, "text" or "json".
	Output string
	// Args are the arguments that are no flags, Flags those that are, each as
	// --name=value.
	Args, Flags []string

	values []Value
}

// Value is one setting as `ftd config` shows it.
type Value struct {
	Name   string `json:"name"`
	Value  any    `json:"value"`
	Origin string `json:"origin"` // "default", "FILE:LINE", "environment FTD_SLOTS" or "flag --slots"
	Doc    string `json:"doc"`
}

// ErrHelp is what Load returns when the arguments ask for help.
var ErrHelp = pflag.ErrHelp

// Load works out the settings from the program's arguments (without its
// name), the environment and the settings file.
func Load(args []string) (*Settings, error) { return LoadWith(args, "", "", "") }

// LoadWith is Load with one setting overridden.
func LoadWith(args []string, name, text, origin string) (*Settings, error) {
	s := new(Settings)
	flags, keys := flagSet(s)
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, pflag.ErrHelp) {
			return nil, ErrHelp
		}
		return nil, api.Errorf(api.CodeSettings, "%v", err).WithRemedy("`ftd --help` lists the flags")
	}
	s.Args, s.Output = flags.Args(), flags.Lookup("output").Value.String()
	flags.Visit(func(f *pflag.Flag) { s.Flags = append(s.Flags, "--"+f.Name+"="+f.Value.String()) })
	path, named, err := configFile(flags)
	if err != nil {
		return nil, err
	}
	file, err := readFile(path, named, keys)
	if err != nil {
		return nil, err
	}
	s.File = file.path
	for _, k := range keys {
		flag := flags.Lookup(k.flag())
		var from string
		if k.name == name {
			from, err = origin, k.set(flag, text, origin)
		} else {
			from, err = k.settle(flag, file)
		}
		if err != nil {
			return nil, err
		}
		s.values = append(s.values, Value{Name: k.name, Origin: from, Doc: k.doc, Value: k.value(s)})
	}
	return s, s.check()
}

// settle gives one setting its value from the strongest place that has one,
// and returns that place.
func (k key) settle(flag *pflag.Flag, file *file) (origin string, err error) {
	if flag.Changed {
		return "flag --" + flag.Name, nil
	}
	if text, ok := os.LookupEnv(k.variable()); ok && (text != "" || k.emptiable) {
		origin = "environment " + k.variable()
		return origin, k.set(flag, text, origin)
	}
	if entry, ok := file.entries[k.name]; ok {
		origin = entry.origin
		return origin, k.set(flag, entry.text, origin)
	}
	return "default", nil
}

func (k key) set(flag *pflag.Flag, text, origin string) error {
	if err := flag.Value.Set(text); err != nil {
		return api.Errorf(api.CodeSettings, "%s: %q is not a valid value for %s", origin, text, k.name).
			WithRemedy("it must be a %s", kindOf(flag))
	}
	return nil
}

func kindOf(flag *pflag.Flag) string {
	switch flag.Value.Type() {
	case "int":
		return "whole number"
	case "bool":
		return "true or false"
	}
	return flag.Value.Type()
}

// Values lists every setting in the order of the table of keys.
func (s *Settings) Values() []Value { return s.values }

// Usage describes all flags, one key a line.
func Usage() string {
	var b strings.Builder
	b.WriteString("Usage: ftd [FLAGS]         run the daemon in the foreground\n" +
		"       ftd config [-o json] print the effective settings and where each came from\n" +
		"       ftd check            say whether the daemon would start with these settings\n" +
		"       ftd version\n\n" +
		"Every flag is also an environment variable (--state-dir is FTD_STATE_DIR) and a key\n" +
		"of the settings file (state_dir), in this order of strength.\n\n")
	flags, _ := flagSet(new(Settings))
	b.WriteString(flags.FlagUsages())
	return b.String()
}
