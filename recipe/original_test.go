package recipe

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/checkpoint"
)

// A plan says who will do the work of a step, and why not the checkout.
func TestWhoDoesTheWorkOfAStep(t *testing.T) {
	h := newHost(t)
	checkout, env := filepath.Join(h.dir, "checkout"), filepath.Join(h.dir, "env")
	site := filepath.Join(env, "lib", "python3.9", "site-packages")
	put := func(path, text string) {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	script := filepath.Join(checkout, "mindformers", preprocessors, "llama/llama_preprocess.py")
	plan := func(kind Kind, with map[string]any) (string, error) {
		s := h.convertStep(with)
		s.Settings.Env, s.Settings.Start = env, nil
		p, err := kind.Plan(t.Context(), s)
		return strings.TrimPrefix(p.Summary, "tokenise the conversations and write them as MindRecord"), err
	}
	says := func(want string, with map[string]any) {
		t.Helper()
		got, err := plan(mindrecordKind(), with)
		require.NoError(t, err)
		require.Equal(t, want, strings.ReplaceAll(got, h.dir, "HOME"))
	}
	refuses := func(want, remedy string, with map[string]any) {
		t.Helper()
		_, err := plan(mindrecordKind(), with)
		var p *Problem
		require.ErrorAs(t, err, &p)
		require.Contains(t, strings.ReplaceAll(p.Message, h.dir, "HOME"), want)
		require.Contains(t, p.Remedy, remedy)
	}
	named := map[string]any{checkoutParam: checkout}
	insisting := map[string]any{checkoutParam: checkout, "by": byMindformers}

	says("", map[string]any{})
	refuses("an installed one has no llama_preprocess.py", "the directory of a checkout", map[string]any{"by": byMindformers})
	says(", by ftd: there is no HOME/checkout/mindformers/tools/dataset_preprocess/llama/llama_preprocess.py", named)
	refuses("there is no HOME/checkout", "take a branch that has it", insisting)

	put(script, "import json\nfrom fastchat.conversation import get_conv_template\n")
	says(", by ftd: llama_preprocess.py needs fastchat, which HOME/env does not have", named)
	refuses("needs fastchat", "install fastchat there", insisting)
	says(", by ftd", map[string]any{checkoutParam: checkout, "by": byFTD})

	// An environment may have the packages of another one, too.
	put(filepath.Join(env, "pyvenv.cfg"), "home = /usr/bin\ninclude-system-site-packages = true\n")
	says(", by the checkout's llama_preprocess.py", named)
	require.NoError(t, os.Remove(filepath.Join(env, "pyvenv.cfg")))
	put(filepath.Join(site, "fastchat", "__init__.py"), "")
	says(", by the checkout's llama_preprocess.py", named)
	says(", by the checkout's llama_preprocess.py", insisting)

	// Converters that are installed can be used without a checkout.
	got, err := plan(convertKind(), map[string]any{"by": byMindformers, "weights": h.dir})
	require.NoError(t, err)
	require.Contains(t, got, "by mindformers' own converter")
}

// What was insisted on and cannot be is said before the first step, and in the plan.
func TestAScriptThatIsInsistedOnAndMissingEndsTheJobAtOnce(t *testing.T) {
	h := newHost(t)
	r, err := Load("llama-7b-lora")
	require.NoError(t, err)
	j := job(h, r, map[string]string{"by": byMindformers})
	p := h.fails(j)
	require.Contains(t, p.Message, "an installed one has no alpaca_converter.py")
	require.Equal(t, []string{"conversations failed"}, h.history, "nothing was fetched")
	plans, err := Preview(t.Context(), j, h, h.settings())
	require.NoError(t, err)
	for _, plan := range plans {
		insisted := plan.ID == "conversations" || plan.ID == "mindrecord"
		require.Equal(t, insisted, plan.Problem != nil, plan.ID)
	}
}

// Scripts of a checkout, where no real one is named: they call the installed
// tokenizer, and take the words around a question from ftd.
var ownScripts = map[string]string{
	"alpaca_converter.py": `
import json
from ftd_steps import alpaca, conversations
def main(options):
    with open(options.output_path, "w", encoding="utf-8") as file:
        json.dump(conversations.dialogues(alpaca.read(options.data_path)), file)
`,
	"llama_preprocess.py": `
from ftd_steps import prompt
from mindformers.models.llama.llama_tokenizer import LlamaTokenizer
def preprocess(sources, tokenizer, seq_length):
    rows = []
    for turns in sources:
        ids = [tokenizer.bos_token_id]
        for text in prompt.split({"id": "", "conversations": turns}):
            ids += tokenizer(text)["input_ids"][1:]
        rows.append(ids + [0] * (seq_length - len(ids)))
    return {"input_ids": rows, "labels": rows}
`,
}

// compareRows says which columns of two MindRecords are the same, row by row.
const compareRows = `
import json, sys
from mindspore.mindrecord import FileReader
def rows(path):
    reader = FileReader(path)
    found = [{name: row[name].tolist() for name in row} for row in reader.get_next()]
    reader.close()
    return found
ours, theirs = rows(sys.argv[1]), rows(sys.argv[2])
same = [name for name in ours[0] if [row[name] for row in ours] == [row[name] for row in theirs]]
print("\n" + json.dumps([len(ours), sorted(same)]))
`

// The recipe gives a named checkout all that its scripts can do, and ftd makes
// the same. It is a real one if FTD_TEST_CHECKOUT names it; else its converter
// is the installed mindformers' own, which runs where torch is there.
func TestARecipeUsesTheScriptsOfACheckout(t *testing.T) {
	mindspore(t)
	h := newHost(t)
	checkout, same := os.Getenv("FTD_TEST_CHECKOUT"), `[253,["input_ids","labels"]]`
	if checkout == "" {
		same = `[253,["input_ids"]]`
		checkout = filepath.Join(h.dir, "checkout")
		installed := findMindformers(&StepContext{Settings: h.settings(), With: map[string]any{}})
		require.NoError(t, os.CopyFS(filepath.Join(checkout, "mindformers"), os.DirFS(installed.dir)))
		scripts := filepath.Join(checkout, "mindformers", preprocessors, "llama")
		require.NoError(t, os.MkdirAll(scripts, 0o755))
		for name, text := range ownScripts {
			require.NoError(t, os.WriteFile(filepath.Join(scripts, name), []byte(text), 0o644))
		}
	}
	r, err := Load("tiny-llama")
	require.NoError(t, err)
	r.Steps = r.Steps[:6] // all before the training
	require.Equal(t, "convert", r.Steps[5].ID)
	makers := func(by string) (makers []string, files []string) {
		h.steps = map[string]StepStatus{}
		h.run(job(h, r, map[string]string{"mindformers": checkout, "by": by}))
		for _, id := range []string{"conversations", "mindrecord", "convert"} {
			makers = append(makers, strings.TrimPrefix(h.steps[id].Outputs["made_by"], checkout+"/mindformers/"))
			files = append(files, h.steps[id].Outputs["file"])
		}
		return makers, files
	}
	theirs, originals := makers("")
	ours, own := makers("ftd")
	require.Equal(t, []string{"ftd", "ftd", "ftd"}, ours)
	require.Equal(t, []string{preprocessors + "/llama/alpaca_converter.py:main", preprocessors + "/llama/llama_preprocess.py:preprocess"}, theirs[:2])
	s := &StepContext{Settings: h.settings()}
	if hasPackage(s, "torch") && hasPackage(s, "transformers") {
		require.Contains(t, theirs[2], "models/llama/convert_weight.py:convert_")
	} else {
		require.Equal(t, "ftd", theirs[2])
	}

	require.JSONEq(t, read(t, own[0]), read(t, originals[0]))
	out, err := exec.Command(h.python, "-c", compareRows, own[1], originals[1]).Output()
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	require.JSONEq(t, same, lines[len(lines)-1])
	difference, err := checkpoint.Diff(t.Context(), own[2], originals[2], checkpoint.Options{Deep: true})
	require.NoError(t, err)
	require.True(t, difference.Equal(), "%+v", difference)
	require.Equal(t, 21, difference.Same)
}
