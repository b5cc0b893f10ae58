package doctor

import (
	"context"
	"slices"
)

// environments compares those that take part: what one has and the other
// lacks is the usual reason for "it worked a minute ago".
func environments(_ context.Context, s *Subject) []Finding {
	e, err := s.environment()
	if err != nil || len(s.Others)+len(s.OwnSteps) == 0 {
		return nil
	}
	var findings []Finding
	for _, prefix := range slices.Concat(s.Others, s.OwnSteps) {
		other, err := survey(prefix)
		if err != nil {
			findings = append(findings, Finding{
				Level:  Error,
				Found:  say("there is no Python environment: %v", "没有 Python 环境：%v", err),
				Why:    say("a step is to run in it", "有步骤要在其中运行"),
				Remedy: say("correct the prefix, or let a step with uses: env make it", "请修正路径，或用 uses: env 的步骤创建它"),
			})
			continue
		}
		for _, name := range []string{"mindformers", "mindspore", "sentencepiece", "transformers", "tokenizers"} {
			a, b := e.version(name), other.version(name)
			if a == b || a == "" || b == "" && (name != "mindformers" || slices.Contains(s.OwnSteps, prefix)) {
				continue
			}
			if b == "" {
				b = "none"
			}
			findings = append(findings, Finding{
				Level:  Warning,
				Found:  say("%[1]s is %[2]s in %[3]s and %[4]s in %[5]s", "%[1]s 在 %[3]s 中为 %[2]s，在 %[5]s 中为 %[4]s", name, a, e.prefix, b, prefix),
				Why:    say("what one makes the other may not read, and imports that work in one fail in the other", "一个环境的产物另一个可能无法读取，导入也可能一个成功一个失败"),
				Remedy: say("%s", "%s", other.pip("install "+name+"=="+a)),
			})
		}
	}
	if len(findings) > 0 {
		return findings
	}
	return fine("%d environments agree", "%d 个环境一致", len(s.Others)+len(s.OwnSteps)+1)
}
