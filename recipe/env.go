package recipe

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"ftd/recipe/environment"
	"ftd/recipe/expression"
	"ftd/recipe/lock"
)

// envKind makes a Python environment, or looks whether one is as it must be.
// Environments that it did not create it changes only when it is told to.
type envKind struct{}

func (envKind) Params() []Param {
	return []Param{
		{Name: "prefix", Type: Dir, Doc: "directory of the environment; empty: one that ftd creates in its state directory"},
		{Name: "python", Type: Text, Default: "", Doc: "the version, such as 3.9; or the interpreter to make the environment with"},
		{Name: "tool", Type: Text, Default: "", OneOf: []string{"", "venv", "conda"}, Doc: "what creates it; empty: venv if there is an interpreter of that version, else conda"},
		{Name: "packages", Type: Texts, Default: []string{}, Doc: "NAME==VERSION, or NAME for any version"},
		{Name: "absent", Type: Texts, Default: []string{}, Doc: "packages that must not be there"},
		{Name: "opencv", Type: Text, Default: "", OneOf: []string{"", "headless"}, Doc: "headless: in place of OpenCV packages that need libGL, those that do not, in the same version"},
		{Name: "mindpet", Type: Text, Default: "", OneOf: []string{"", environment.ModuleTk, environment.ModuleMindpet}, Doc: "the module that mindformers imports: tk (mindpet 1.0.1) or mindpet; empty: as the checkout imports it"},
		{Name: "checkout", Type: Dir, Doc: "a checkout to install"},
		{Name: "install", Type: Text, Default: "pip", OneOf: []string{"pip", "setup.py"}, Doc: "how the checkout is installed"},
		{Name: "pip_args", Type: Texts, Default: []string{}, Doc: "further arguments for pip install, such as --no-index and --find-links=DIR"},
		{Name: "channels", Type: Texts, Default: []string{"conda-forge"}, Doc: "conda's channels; those of its configuration are left out"},
		{Name: "size", Type: Integer, Least: new(int64(0)), Default: int64(0), Doc: "about how many bytes it is with its packages, for a plan; 0: not known"},
		{Name: "download", Type: Integer, Least: new(int64(0)), Default: int64(0), Doc: "about how many bytes its packages are on their way, for a plan; 0: not known"},
		{Name: "offline", Type: Bool, Default: false, Doc: "conda takes only what it has"},
		{Name: "change", Type: Bool, Default: false, Doc: "whether an environment that ftd did not create may be changed"},
	}
}

func (envKind) Outputs() []string { return []string{"prefix", "interpreter", "python", "versions"} }

func (k envKind) Plan(ctx context.Context, s *StepContext) (Plan, error) {
	prefix, err := k.prefix(s)
	if err != nil {
		return Plan{}, err
	}
	plan := Plan{Summary: "create the environment " + prefix, Outputs: k.Outputs()}
	facts, err := environment.Inspect(ctx, prefix)
	if err != nil || environment.HalfMade(prefix) {
		k.anew(s, prefix, &plan)
		return plan, nil //nolint:nilerr // it is not there yet
	}
	plan.Summary = "look at the environment " + prefix
	want, err := k.want(s, facts)
	if err != nil {
		return plan, err
	}
	if differences := want.Differences(facts); len(differences) > 0 {
		plan.Summary += ": " + whats(differences)
	}
	return plan, err
}

// venvBytes is a venv with pip and no other package: 14 to 23 MB, measured with
// Python 3.7, 3.9, 3.11 and 3.12.
const venvBytes = 23_000_000

// anew adds what it takes to create the environment.
func (k envKind) anew(s *StepContext, prefix string, plan *Plan) {
	plan.in = filepath.Dir(prefix)
	plan.Disk = max(s.about("size"), venvBytes)
	if packages := s.texts("packages"); len(packages) > 0 {
		plan.Summary += " with " + strings.Join(packages, ", ")
		plan.Downloads = []Download{{Name: "its packages", Sources: []string{}, Size: s.about("download")}}
	}
}

// Key is empty: what is installed may have changed since the last time, and
// looking is cheap.
func (envKind) Key(context.Context, *StepContext) (string, error) { return "", nil }

// prefix is the one given, or one that is named by all that it depends on.
func (k envKind) prefix(s *StepContext) (string, error) {
	if given := s.text("prefix"); given != "" {
		return given, nil
	}
	h := sha256.New()
	for _, p := range k.Params() {
		if !slices.Contains([]string{"change", "pip_args", "size", "download"}, p.Name) {
			fmt.Fprintf(h, "%s %v\n", p.Name, s.With[p.Name])
		}
	}
	if s.Settings.Environments == "" {
		return "", &Problem{Code: CodeInvalid, Message: "the step " + s.Step.ID + " does not say where its environment is", Remedy: "give prefix:"}
	}
	return filepath.Join(s.Settings.Environments, s.Step.ID+"-"+digest(h)[:8]), nil
}

func (k envKind) want(s *StepContext, facts environment.Facts) (environment.Want, error) {
	w := environment.Want{Packages: s.texts("packages"), Absent: s.texts("absent")}
	if !strings.Contains(s.text("python"), "/") {
		w.Python = s.text("python")
	}
	if module := k.mindpet(s); module != "" {
		w.Packages = append(w.Packages[:len(w.Packages):len(w.Packages)], environment.Mindpet(module))
	}
	if s.text("checkout") != "" {
		if name := checkoutName(s.text("checkout")); name != "" && facts.Packages[environment.Name(name)] == "" {
			w.Packages = append(w.Packages[:len(w.Packages):len(w.Packages)], name)
		}
	}
	if s.text("opencv") == "headless" {
		w = w.Headless(facts)
	}
	return w, wrongWant(s, w)
}

func wrongWant(s *StepContext, w environment.Want) error {
	if err := w.Check(); err != nil {
		return &Problem{Code: CodeInvalid, Message: fmt.Sprintf("the step %s: %v", s.Step.ID, err), Remedy: "correct the lists packages and absent; a package is pinned as NAME==VERSION"}
	}
	return nil
}

// impossible says what is known to fail before an environment is made for
// nothing, which takes a minute.
func (envKind) impossible(s *StepContext) error {
	want := environment.Want{Packages: s.texts("packages"), Absent: s.texts("absent")}
	if s.text("opencv") == "headless" {
		want = want.Headless(environment.Facts{})
	}
	if err := wrongWant(s, want); err != nil {
		return err
	}
	prefix := s.text("prefix")
	if info, err := os.Stat(prefix); err == nil && !info.IsDir() {
		return &Problem{Code: CodeInvalid, Message: fmt.Sprintf("the step %s: prefix is %s, which is a file", s.Step.ID, prefix), Remedy: "give the prefix of an environment, or of a directory that is not there yet"}
	}
	return nil
}

var importsTk = expression.Lazily(`(?m)^\s*(from|import)\s+(tk|mindpet)\b`)

// mindpet is the module that the checkout imports, "" if none.
func (envKind) mindpet(s *StepContext) (module string) {
	if given := s.text("mindpet"); given != "" || s.text("checkout") == "" {
		return given
	}
	_ = filepath.WalkDir(filepath.Join(s.text("checkout"), "mindformers"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".py" {
			return nil //nolint:nilerr // what cannot be read imports nothing
		}
		text, err := os.ReadFile(path)
		if found := importsTk().FindSubmatch(text); err == nil && found != nil {
			module = string(found[2])
			return fs.SkipAll
		}
		return nil
	})
	return module
}

var setupName = expression.Lazily(`(?m)^\s*name\s*=\s*['"]([A-Za-z0-9._-]+)['"]`)

// checkoutName is what the package of a checkout is called.
func checkoutName(dir string) string {
	for _, file := range []string{"setup.py", "pyproject.toml"} {
		text, err := os.ReadFile(filepath.Join(dir, file))
		if found := setupName().FindSubmatch(text); err == nil && found != nil {
			return string(found[1])
		}
	}
	return ""
}

func (k envKind) Run(ctx context.Context, s *StepContext) (outputs map[string]string, err error) {
	if err := k.impossible(s); err != nil {
		return nil, err
	}
	prefix, err := k.prefix(s)
	if err != nil {
		return nil, err
	}
	release, err := k.alone(ctx, s, prefix)
	if err != nil {
		return nil, err
	}
	defer release()
	m := &mender{StepContext: s, kind: k, prefix: prefix}
	if _, err := os.Stat(environment.Python(prefix)); errors.Is(err, fs.ErrNotExist) || environment.HalfMade(prefix) {
		defer func() {
			if err != nil { // it would be begun anew, and fill the disk until then
				environment.Discard(prefix)
			}
		}()
		if err := m.create(ctx); err != nil {
			return nil, err
		}
	}
	facts, err := m.mend(ctx)
	if err != nil {
		return nil, err
	}
	if environment.HalfMade(prefix) {
		if err := environment.Mark(prefix); err != nil {
			return nil, err
		}
	}
	var versions []string
	for _, name := range sorted(facts.Packages) {
		versions = append(versions, name+"=="+facts.Packages[name])
	}
	return map[string]string{"prefix": prefix, "interpreter": environment.Python(prefix), "python": facts.Python, "versions": strings.Join(versions, " ")}, nil
}

// alone waits while another job makes or changes the environment: it would find
// it half made, and begin it anew. One that is there and not ours is looked at
// only, and may lie where nothing can be written.
func (envKind) alone(ctx context.Context, s *StepContext, prefix string) (release func(), err error) {
	if _, err := os.Stat(environment.Python(prefix)); err == nil && !environment.Ours(prefix) {
		return func() {}, nil
	}
	return lock.File(ctx, filepath.Clean(prefix)+".lock", func() {
		s.Host.Output(s.Step.ID, prefix+" is being made by another job: waiting for it")
	})
}

func (envKind) Verify(_ context.Context, _ *StepContext, outputs map[string]string) error {
	_, err := os.Stat(outputs["interpreter"])
	return err
}

func whats(differences []environment.Difference) string {
	var list []string
	for _, d := range differences {
		list = append(list, d.What)
	}
	return strings.Join(list, "; ")
}

// interpreterFor finds a program for a version of Python, "" if there is none.
func interpreterFor(version string) string {
	if strings.Contains(version, "/") {
		return version
	}
	parts := strings.SplitN(version, ".", 3)
	if len(parts) > 2 { // 3.9.18 is made with a 3.9, and looked at afterwards
		version = strings.Join(parts[:2], ".")
	}
	path, err := exec.LookPath("python" + version)
	if err != nil && version == "" {
		path, err = exec.LookPath("python3")
	}
	if err != nil || exec.Command(path, "-c", "").Run() != nil { //nolint:noctx // it ends at once; a version manager's stub may not work
		return ""
	}
	return path
}
