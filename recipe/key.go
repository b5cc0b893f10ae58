package recipe

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"path/filepath"
	"slices"

	"ftd/launcher"
	"ftd/recipe/fault"
)

// keyVersion changes when results of older versions of this program must not
// be used any more, for a reason that no other part of the key tells.
const keyVersion = 2

// resultKey hashes what a step's result depends on: its kind and parameters,
// the content of its input files (or the key of the result they belong to),
// ftd's own Python code, and the packages of the environment.
func resultKey(ctx context.Context, s *StepContext, params []Param) (string, error) {
	h := sha256.New()
	if err := hashParameters(ctx, h, s, params); err != nil {
		return "", err
	}
	for _, name := range sorted(s.Env) {
		fmt.Fprintf(h, "env %q = %q\n", name, s.Env[name])
	}
	if err := hashTree(h, Library(), "ftd_steps"); err != nil {
		return "", err
	}
	for _, p := range packages(s.Settings.Env) {
		fmt.Fprintln(h, p)
	}
	return digest(h), nil
}

// digest is a key of what was written to h.
func digest(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)[:16]) }

// inputKey is the key of a step that knows neither Python nor an environment:
// what it makes depends on its parameters and input files only.
func inputKey(ctx context.Context, s *StepContext, params []Param) (string, error) {
	h := sha256.New()
	err := hashParameters(ctx, h, s, params)
	return digest(h), err
}

func hashParameters(ctx context.Context, h hash.Hash, s *StepContext, params []Param) error {
	fmt.Fprintf(h, "%d %q\n", keyVersion, s.Step.Uses)
	for _, p := range params {
		v, given := s.With[p.Name]
		if !given {
			continue
		}
		if from := s.From[p.Name]; from != "" {
			fmt.Fprintf(h, "%q from %q\n", p.Name, from)
			continue
		}
		text, err := json.Marshal(v)
		if err != nil {
			return err
		}
		fmt.Fprintf(h, "%q = %s\n", p.Name, text)
		if path := s.text(p.Name); path != "" && (p.Type == File || p.Type == Dir) {
			if err := hashPath(ctx, s.Host.Results(), h, path); err != nil {
				return inputProblem(p, path, err)
			}
		}
	}
	return nil
}

func inputProblem(p Param, path string, err error) error {
	return &Problem{
		Code:    CodeData,
		Message: fmt.Sprintf("the %s %s (parameter %q) cannot be read: %v", p.Type, path, p.Name, fault.Reason(err)),
		Remedy:  "check the path, and who may read it",
	}
}

func hashTree(h hash.Hash, tree fs.FS, root string) error {
	return fs.WalkDir(tree, root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		f, err := tree.Open(path)
		if err != nil {
			return err
		}
		fmt.Fprintf(h, "file %q\n", path)
		_, err = io.Copy(h, f)
		return errors.Join(err, f.Close())
	})
}

// packages lists what is installed in an environment, as NAME-VERSION.
func packages(prefix string) []string {
	found := launcher.Glob(prefix, "lib/python*/site-packages/*.dist-info")
	for i, path := range found {
		found[i] = filepath.Base(path)
	}
	slices.Sort(found)
	return found
}
