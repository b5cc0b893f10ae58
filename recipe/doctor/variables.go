package doctor

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"ftd/recipe/expression"
)

// leftOvers are variables that place a process among others. A training that
// ftd starts gets those that it needs from ftd; what an earlier launch by hand
// has left in the shell makes it wait for processes that do not exist.
var leftOvers = []string{"RANK_TABLE_FILE", "RANK_ID", "RANK_SIZE", "DEVICE_NUM", "MS_ROLE", "MS_SCHED_HOST", "MS_SCHED_PORT", "MS_WORKER_NUM", "MS_NODE_ID"}

var pythonOfPath = expression.Lazily(`/python(3\.\d+)/site-packages`)

// variables looks at what trainings inherit from where ftd was started.
func variables(_ context.Context, s *Subject) []Finding {
	findings := slices.Concat(s.left(), s.pythonPath(), s.cannPath(), s.timeouts())
	if len(findings) > 0 {
		return findings
	}
	return fine("nothing in the environment is in the way", "没有妨碍训练的环境变量")
}

func (s *Subject) left() []Finding {
	var found []string
	for _, name := range leftOvers {
		if s.variable(name) != "" {
			found = append(found, name)
		}
	}
	if len(found) == 0 || s.Workers > 1 {
		return nil
	}
	names := strings.Join(found, " ")
	return []Finding{{
		Level: Warning,
		Found: say("variables of a distributed launch are set: %s", "设置了分布式启动的环境变量：%s", names),
		Why: say("the training takes itself for one of several, and waits for the others: Failed to connect to the meta server, or EI0004",
			"训练会以为自己是多个进程之一而等待其他进程：Failed to connect to the meta server 或 EI0004"),
		Remedy: say("%s; and start ftd anew: it sets what a training with workers: needs",
			"%s；然后重新启动 ftd：使用 workers: 的训练所需变量由它设置", s.unset(found...)),
	}}
}

// pythonPath looks for modules that hide those of the environment.
func (s *Subject) pythonPath() []Finding {
	e, err := s.environment()
	var findings []Finding
	for _, dir := range filepath.SplitList(s.variable("PYTHONPATH")) {
		if m := pythonOfPath().FindStringSubmatch(dir); m != nil && err == nil && m[1] != e.minor {
			findings = append(findings, Finding{
				Level:  Warning,
				Found:  say("PYTHONPATH names %s, and the environment has Python %s", "PYTHONPATH 含有 %s，而环境为 Python %s", dir, e.minor),
				Why:    say("packages of another Python come before the environment's own; those with native code cannot be loaded", "其他 Python 版本的软件包会先于本环境被导入，其中的原生模块无法加载"),
				Remedy: say("%s; and start ftd anew", "%s；然后重新启动 ftd", s.unset("PYTHONPATH")),
			})
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, "mindformers", "__init__.py")); dir == "" || err != nil || same(dir, s.Checkout) {
			continue
		}
		findings = append(findings, Finding{
			Level:  Warning,
			Found:  say("PYTHONPATH holds another mindformers: %s", "PYTHONPATH 中另有一个 mindformers：%s", dir),
			Why:    say("it is imported in the place of the one that is installed, whatever its version", "无论版本如何，它都会代替已安装的那个被导入"),
			Remedy: say("take it out of PYTHONPATH and start ftd anew; to use it, name it as mindformers: in the recipe", "请将其从 PYTHONPATH 中去掉并重新启动 ftd；若要使用它，请在配方中以 mindformers: 指定"),
		})
	}
	return findings
}

func same(a, b string) bool {
	x, err := os.Stat(a)
	y, err2 := os.Stat(b)
	return err == nil && err2 == nil && os.SameFile(x, y)
}

// cannPath looks whether CANN's libraries will be found. ftd runs CANN's
// set_env.sh itself, unless ASCEND_HOME_PATH says that this was done already.
func (s *Subject) cannPath() []Finding {
	if _, err := os.Stat(filepath.Join(s.Root, "/usr/local/Ascend/driver")); err != nil {
		return nil // no card, or one that is not used with CANN
	}
	home := s.variable("ASCEND_HOME_PATH")
	if home == "" {
		home = s.variable("ASCEND_TOOLKIT_HOME")
	}
	if home == "" || strings.Contains(s.variable("LD_LIBRARY_PATH"), home) || strings.Contains(s.variable("LD_LIBRARY_PATH"), "ascend-toolkit") {
		return nil
	}
	return []Finding{{
		Level:  Warning,
		Found:  say("ASCEND_HOME_PATH is %s, and LD_LIBRARY_PATH names nothing of it", "ASCEND_HOME_PATH 为 %s，但 LD_LIBRARY_PATH 中没有它的目录", home),
		Why:    say("MindSpore does not find CANN's libraries: libhccl.so or libascendcl.so: cannot open shared object file", "MindSpore 找不到 CANN 的库：libhccl.so 或 libascendcl.so: cannot open shared object file"),
		Remedy: say("source CANN's set_env.sh and start ftd anew; or unset ASCEND_HOME_PATH ASCEND_TOOLKIT_HOME, and ftd does so itself", "请 source CANN 的 set_env.sh 后重新启动 ftd；或执行 unset ASCEND_HOME_PATH ASCEND_TOOLKIT_HOME，由 ftd 自行处理"),
	}}
}

// timeouts holds the bounds of HCCL (its error EI0001).
func (s *Subject) timeouts() []Finding {
	var findings []Finding
	for _, t := range []struct {
		name        string
		least, most int
	}{{"HCCL_CONNECT_TIMEOUT", 120, 7200}, {"HCCL_EXEC_TIMEOUT", 0, 17340}} {
		text := s.variable(t.name)
		n, err := strconv.Atoi(text)
		if text == "" || err == nil && n >= t.least && n <= t.most {
			continue
		}
		findings = append(findings, Finding{
			Level:  Warning,
			Found:  say("%s is %s", "%s 为 %s", t.name, text),
			Why:    say("HCCL takes %d to %d seconds, and else ends with EI0001", "HCCL 只接受 %d 至 %d 秒，否则报 EI0001", t.least, t.most),
			Remedy: say("%s; and start ftd anew, or give it a value in these bounds", "%s；然后重新启动 ftd，或设为此范围内的值", s.unset(t.name)),
		})
	}
	return findings
}
