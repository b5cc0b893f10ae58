package doctor

import (
	"context"
	"path/filepath"
	"strings"
	"sync"

	"ftd/launcher/devices"
)

// Subject is what is examined. Only Env is needed; what is not given is not
// looked at.
type Subject struct {
	// Env is the prefix of the Python environment that trainings run in.
	Env string
	// Others are further environments that take part, such as the one for
	// preprocessing.
	Others []string
	// OwnSteps are such environments in which steps of ftd's own run, which
	// need no mindformers.
	OwnSteps []string
	// Start holds NAME=VALUE entries: what trainings inherit from, and what a
	// recipe adds.
	Start []string
	// Root is put before the absolute paths of the driver, CANN and the like;
	// empty but in tests.
	Root string
	// Home is the home directory, for the settings of conda and pip.
	Home string
	// Config is a mindformers YAML, Dir the directory that the training will
	// run in, where relative paths of the config start; by default that of the
	// config.
	Config, Dir string
	// Text is the config where the file is not written yet. A value in it that
	// holds [Unknown] is not known yet, and not looked at.
	Text []byte
	// Workers are the processes of the training; 0 if that is not known.
	Workers int
	// Checkout is a directory with mindformers' sources that is to be used
	// instead of the installed package; AnyMindformers says that which one is
	// used is not known yet.
	Checkout       string
	AnyMindformers bool
	// Inputs are files, directories and addresses of the user that a recipe
	// reads, by the names of what reads them.
	Inputs map[string]string
	// Converts is a file or directory of weights that mindformers' own
	// converter is to load as a whole; "" if it is not used.
	Converts string
	// Places are directories that the training writes to.
	Places []string
	// SMI asks for the cards; nil looks for npu-smi in PATH.
	SMI *devices.SMI

	envOnce, configOnce, cardsOnce sync.Once
	env                            *environment
	envErr                         error
	read                           *config
	readErr                        error
	shot                           devices.Snapshot
	shotErr                        error
}

// Unknown begins what stands for a value that a step has yet to make.
const Unknown = "‹"

// environment surveys Env, once.
func (s *Subject) environment() (*environment, error) {
	s.envOnce.Do(func() { s.env, s.envErr = survey(s.Env) })
	return s.env, s.envErr
}

// config reads Config, once; nil if there is none.
func (s *Subject) config() (*config, error) {
	s.configOnce.Do(func() {
		if s.Config == "" && s.Text == nil {
			return
		}
		dir := s.Dir
		if dir == "" {
			dir = filepath.Dir(s.Config)
		}
		s.read, s.readErr = readConfig(s.Config, s.Text, dir)
	})
	return s.read, s.readErr
}

// cards asks npu-smi, once.
func (s *Subject) cards(ctx context.Context, smi *devices.SMI) (devices.Snapshot, error) {
	s.cardsOnce.Do(func() { s.shot, s.shotErr = smi.Look(ctx) })
	return s.shot, s.shotErr
}

// mindformers is the version that will run: the checkout's, or else the
// installed one's; "" if it is not known.
func (s *Subject) mindformers() string {
	switch {
	case s.AnyMindformers:
		return ""
	case s.Checkout != "":
		return CheckoutVersion(s.Checkout)
	}
	e, err := s.environment()
	if err != nil {
		return ""
	}
	return e.version("mindformers")
}

// before says whether the mindformers that will run is known to be older than
// a version; since, whether it is known not to be.
func (s *Subject) before(version string) bool {
	v := s.mindformers()
	return v != "" && allows("<"+version, v)
}

func (s *Subject) since(version string) bool {
	v := s.mindformers()
	return v != "" && allows(">="+version, v)
}

// released returns what was released together with that mindformers; nil if it
// is not known.
func (s *Subject) released() *released { return releasedWith(s.mindformers()) }

// variable returns a variable that trainings inherit; the last entry counts.
func (s *Subject) variable(name string) string {
	found := ""
	for _, entry := range s.Start {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			found = value
		}
	}
	return found
}
