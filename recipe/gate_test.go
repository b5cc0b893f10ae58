package recipe

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// oneStep is a trainer that mindformers' configs name, but that only says that it ran.
const oneStep = "print('{ Epoch:[  1/  1], step:[    1/    1], loss: 1.0, per_step_time: 1ms }')\n"

// withoutEnvironment leaves a test alone with the machine's own Python: the
// checkouts here need not fit the MindSpore of the environment.
func withoutEnvironment(t *testing.T) {
	t.Helper()
	t.Setenv("FTD_TEST_ENV", "")
}

func TestTheDoctorLooksBeforeATrainingBegins(t *testing.T) {
	withoutEnvironment(t)
	h := newHost(t)
	checkout := filepath.Join(h.dir, "mf")
	require.NoError(t, os.MkdirAll(filepath.Join(checkout, "mindformers"), 0o750))
	for name, text := range map[string]string{"run_mindformer.py": oneStep, "mindformers/__init__.py": "", "setup.py": "version = '1.0.0'\n", "data/train.json": `{"content": "a", "summary": "b"}`} {
		path := filepath.Join(checkout, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o750))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	config := func(data string) Job {
		file := filepath.Join(h.dir, "run.yaml")
		require.NoError(t, os.WriteFile(file, []byte(`run_mode: train
load_checkpoint: ""
runner_config: {epochs: 1}
model: {arch: {type: GLMForPreTraining}, model_config: {type: GLMConfig}}
train_dataset: {data_loader: {type: ADGenDataLoader, dataset_dir: "`+data+`"}}
`), 0o600))
		r, err := Parse("t.yaml", []byte(`apiVersion: ftd/v1
name: t
vars: {doctor: "on"}
steps: [{id: train, uses: train, with: {config: `+file+`, mindformers: `+checkout+`, run_mode: train, require_checkpoint: false, doctor: "${doctor}"}}]
`))
		require.NoError(t, err)
		return Job{ID: "j", Dir: h.dir, Recipe: r, Base: h.dir, Vars: map[string]string{}}
	}
	p := h.fails(config(filepath.Join(checkout, "data")))
	require.Equal(t, CodeDoctor, p.Code)
	require.Contains(t, p.Message, "ADGenDataLoader reads a file")
	require.Contains(t, p.Remedy, "train.json")
	require.Contains(t, strings.Join(h.output, "\n"), "doctor: ")
	require.Empty(t, h.trainedSteps(), "it was not started")

	job := config(filepath.Join(checkout, "data"))
	job.Vars["doctor"] = "off"
	require.NoError(t, Run(t.Context(), job, h, h.settings()))
	require.Equal(t, upTo(1), h.trainedSteps())

	h = newHost(t)
	require.NoError(t, os.MkdirAll(h.dir, 0o750))
	require.NoError(t, Run(t.Context(), config(filepath.Join(checkout, "data", "train.json")), h, h.settings()))
	require.Equal(t, upTo(1), h.trainedSteps())
}

// gated is a recipe that prepares data and then trains with a config that it
// writes; more is added to the config.
func gated(t *testing.T, h *memoryHost, more string, vars map[string]string) Job {
	t.Helper()
	checkout := filepath.Join(h.dir, "mf")
	for name, text := range map[string]string{
		"mf/run_mindformer.py": oneStep, "mf/mindformers/__init__.py": "", "mf/setup.py": "version = '1.0.0'\n",
		"rows.json": rows, "tokenizer.model": "\x0a\x03\x0a\x01x\x0a\x03\x0a\x01y",
		"run.yaml": `run_mode: train
load_checkpoint: ""
runner_config: {epochs: 1}
model: {arch: {type: GLMForPreTraining}, model_config: {type: GLMConfig, vocab_size: 2}}
train_dataset: {data_loader: {type: CommonDataLoader, dataset_dir: ""}, tokenizer: {vocab_file: "", type: ChatGLMTokenizer}}
` + more,
	} {
		path := filepath.Join(h.dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o750))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	r, err := Parse("t.yaml", []byte(`apiVersion: ftd/v1
name: t
vars: {doctor: "on", data: rows.json, tokenizer: tokenizer.model, mindformers: `+checkout+`}
steps:
  - {id: tokenizer, uses: fetch, with: {source: "${tokenizer}"}}
  - {id: data, uses: data, with: {source: "${data}"}}
  - {id: conversations, uses: conversations, with: {data: "${steps.data.outputs.file}"}}
  - {id: config, uses: config, with: {file: run.yaml, set: {train_dataset.tokenizer.vocab_file: "${steps.tokenizer.outputs.file}", train_dataset.data_loader.dataset_dir: "${steps.conversations.outputs.file}"}}}
  - {id: train, uses: train, with: {config: "${steps.config.outputs.file}", mindformers: "${mindformers}", run_mode: train, require_checkpoint: false, doctor: "${doctor}"}}
`))
	require.NoError(t, err)
	return Job{ID: "j", Dir: h.dir, Recipe: r, Base: h.dir, Vars: vars}
}

func TestWhatIsCertainToFailDoesSoBeforeTheFirstStep(t *testing.T) {
	withoutEnvironment(t)
	h := newHost(t)
	p := h.fails(gated(t, h, "use_parallel: True\n", nil))
	require.Equal(t, CodeDoctor, p.Code)
	require.Contains(t, p.Message, "use_parallel is True")
	require.Contains(t, p.Remedy, "add use_parallel: false to the set: of the step")
	require.Equal(t, []string{"train failed"}, h.history, "nothing was prepared")
	require.Contains(t, h.output[len(h.output)-1], " to be mended, in 0.")

	h = newHost(t)
	p = h.fails(gated(t, h, "", map[string]string{"data": "gone.json"}))
	require.Contains(t, p.Message, "gone.json, which cannot be read")
	require.Equal(t, []string{"train failed"}, h.history)

	// A tokenizer of the user's is compared with the model before anything runs.
	h = newHost(t)
	job := gated(t, h, "", map[string]string{"tokenizer": "three.model"})
	require.NoError(t, os.WriteFile(filepath.Join(h.dir, "three.model"), []byte(strings.Repeat("\x0a\x03\x0a\x01x", 3)), 0o600))
	require.Contains(t, h.fails(job).Message, "has 3 tokens, and vocab_size is 2")

	h = newHost(t)
	require.NoError(t, Run(t.Context(), gated(t, h, "use_parallel: True\n", map[string]string{"doctor": "off"}), h, h.settings()))
	require.Equal(t, upTo(1), h.trainedSteps())
	require.NotContains(t, strings.Join(h.output, "\n"), "doctor:")

	h = newHost(t)
	job = gated(t, h, "use_parallel: True\n", nil)
	job.Again = true // its training may be at work
	require.Error(t, Run(t.Context(), job, h, h.settings()))
	require.Contains(t, h.history, "config succeeded")
}

func TestChecksAreLeftOutWhereSomebodyKnowsBetter(t *testing.T) {
	withoutEnvironment(t)
	for _, skip := range [][]string{{"weights", "parallel"}, {AllChecks}} {
		h := newHost(t)
		job := gated(t, h, "use_parallel: True\n", nil)
		job.SkipChecks = skip
		require.NoError(t, Run(t.Context(), job, h, h.settings()))
		require.Equal(t, upTo(1), h.trainedSteps())
		require.Contains(t, strings.Join(h.output, "\n"), "doctor: left out, as was asked for: "+strings.Join(skip, ", "))
	}
	h := newHost(t)
	job := gated(t, h, "use_parallel: True\n", nil)
	job.SkipChecks = []string{"weights"}
	p := h.fails(job)
	require.Contains(t, p.Message, "use_parallel is True", "the others are carried out")
	require.Contains(t, p.Remedy, "ftctl run --skip-check parallel", "a refusal says how to go on")

	settings := h.settings()
	settings.Start = append([]string{"LC_ALL=zh_CN.UTF-8"}, settings.Start...)
	require.ErrorAs(t, Run(t.Context(), job, h, settings), &p)
	require.Contains(t, p.Message, "训练没有开始：use_parallel 为 True")
	require.Contains(t, p.Remedy, "若检查有误：ftctl run --skip-check parallel")

	require.NoError(t, KnownChecks([]string{"weights", AllChecks}))
	require.ErrorContains(t, KnownChecks([]string{"waights"}), `the doctor has no check "waights"; did you mean "weights"?`)
}

func TestAnEnvironmentThatIsAboutToBeMendedIsOnlyWarnedOf(t *testing.T) {
	h := newHost(t)
	site := filepath.Join(h.dir, "env/lib/python3.7/site-packages/mindspore-2.2.13.dist-info")
	require.NoError(t, os.MkdirAll(site, 0o750))
	require.NoError(t, os.WriteFile(filepath.Join(site, "METADATA"), []byte("Name: mindspore\nVersion: 2.2.13\n"), 0o600))
	settings := h.settings()
	settings.Env = filepath.Join(h.dir, "env")
	job := gated(t, h, "", nil)
	err := Run(t.Context(), job, h, settings)
	var p *Problem
	require.ErrorAs(t, err, &p)
	require.Contains(t, p.Message, "mindpet is not installed; mindformers 1.0.0 imports the mindpet of 1.0.3")
	require.Equal(t, []string{"train failed"}, h.history)

	r, err := Parse("t.yaml", []byte(`apiVersion: ftd/v1
name: t
steps:
  - {id: mend, uses: shell, with: {run: "true"}}
  - {id: train, uses: train, with: {config: run.yaml, mindformers: mf, run_mode: train}}
`))
	require.NoError(t, err)
	config := filepath.Join(h.dir, "run.yaml")
	text, err := os.ReadFile(config)
	require.NoError(t, err)
	text = []byte(strings.NewReplacer(`dataset_dir: ""`, "dataset_dir: "+filepath.Join(h.dir, "rows.json"), `vocab_file: ""`, "vocab_file: "+filepath.Join(h.dir, "tokenizer.model")).Replace(string(text)))
	require.NoError(t, os.WriteFile(config, text, 0o600))
	job.Recipe, h.history = r, nil
	require.Error(t, Run(t.Context(), job, h, settings))
	require.Equal(t, "mend running", h.history[0])
}

// Which mindformers a checkout is, is known as soon as it is there: that it does
// not fit is said then, and not after hours of preparation.
func TestACheckoutIsLookedAtAsSoonAsItIsThere(t *testing.T) {
	h := newHost(t)
	site := filepath.Join(h.dir, "env/lib/python3.7/site-packages/mindspore-2.7.0.dist-info")
	require.NoError(t, os.MkdirAll(site, 0o750))
	require.NoError(t, os.WriteFile(filepath.Join(site, "METADATA"), []byte("Name: mindspore\nVersion: 2.7.0\n"), 0o600))
	job := gated(t, h, "", nil)
	checkout := filepath.Join(h.dir, "mf")
	for _, args := range [][]string{{"init", "-q"}, {"add", "."}, {"-c", "user.name=x", "-c", "user.email=x", "commit", "-qm", "x"}} {
		out, err := exec.Command("git", append([]string{"-C", checkout}, args...)...).CombinedOutput()
		require.NoError(t, err, string(out))
	}
	r, err := Parse("t.yaml", []byte(`apiVersion: ftd/v1
name: t
steps:
  - {id: checkout, uses: checkout, with: {source: `+checkout+`}}
  - {id: data, uses: data, with: {source: rows.json}}
  - {id: train, uses: train, with: {config: run.yaml, mindformers: "${steps.checkout.outputs.dir}", run_mode: train}}
`))
	require.NoError(t, err)
	job.Recipe, job.SkipChecks = r, []string{"data", "tokenizer"}
	settings := h.settings()
	settings.Env = filepath.Join(h.dir, "env")
	var p *Problem
	require.ErrorAs(t, Run(t.Context(), job, h, settings), &p)
	require.Equal(t, CodeDoctor, p.Code)
	require.Contains(t, p.Message, "mindformers 1.0.0")
	require.Equal(t, []string{"checkout running", "checkout succeeded", "train failed"}, h.history)
}

// What ftd brings itself must not be found fault with, whatever is unknown yet.
func TestTheDoctorHasNothingAgainstTheBuiltInRecipes(t *testing.T) {
	for _, name := range List() {
		for _, version := range []string{"0.8.0", "1.6.0"} {
			t.Run(name+" "+version, func(t *testing.T) {
				h := newHost(t)
				site := filepath.Join(h.dir, "env/lib/python3.9/site-packages/mindformers-"+version+".dist-info")
				require.NoError(t, os.MkdirAll(site, 0o750))
				require.NoError(t, os.WriteFile(filepath.Join(site, "METADATA"), []byte("Name: mindformers\nVersion: "+version+"\n"), 0o600))
				settings := h.settings()
				settings.Env = filepath.Join(h.dir, "env")
				r, err := Load(name)
				require.NoError(t, err)
				trainings, err := Subjects(Job{ID: "j", Dir: h.dir, Recipe: r, Base: h.dir}, settings)
				require.NoError(t, err)
				require.Len(t, trainings, 1)
				s := trainings[0].Subject
				require.Equal(t, 1, s.Workers)
				s.Env = "" // it holds but one package
				for _, f := range trainings[0].Examine(t.Context()) {
					require.Equal(t, "ok", string(f.Level), "%s: %s", f.Check, f.Found.EN)
				}
				if strings.HasPrefix(name, "tiny") {
					require.Contains(t, string(s.Text), "load_checkpoint: '‹convert.file›'")
				}
			})
		}
	}
}
