package doctor

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Check is one thing that is looked at.
type Check struct {
	// ID is a stable word.
	ID string
	// About says what is looked at.
	About Text
	look  func(ctx context.Context, s *Subject) []Finding
}

// patience is how long a check may take: a driver's program may hang, and a file
// may lie on a server that is gone. All checks look at the same time, so it is
// also how long they take together.
const patience = 10 * time.Second

// Checks are all checks, in the order in which a person would mend things.
func Checks() []Check {
	return []Check{
		{"python", say("the environment's Python", "环境中的 Python"), python},
		{"stack", say("MindSpore, mindformers, CANN and driver fit together", "MindSpore、mindformers、CANN 与驱动是否匹配"), stack},
		{"packages", say("packages that mindformers and its scripts import", "mindformers 及其脚本所需的软件包"), packages},
		{"opencv", say("which OpenCV is installed", "安装的是哪种 OpenCV"), opencv},
		{"preload", say("libraries that must be loaded first", "必须最先加载的库"), preload},
		{"variables", say("variables that trainings inherit", "训练继承的环境变量"), variables},
		{"conda", say("conda's channels", "conda 的频道"), conda},
		{"pip", say("where pip takes packages from", "pip 的软件源"), pipIndex},
		{"environments", say("environments that take part", "参与的各个环境"), environments},
		{"source", say("which mindformers is used", "使用的是哪一个 mindformers"), source},
		{"machine", say("locale, clock, temporary files, file watches", "区域设置、时钟、临时目录与文件监视"), machine},
		{"home", say("the home directory and whose files are in it", "主目录及其中文件的属主"), home},
		{"limits", say("limits of processes", "进程限制"), limits},
		{"memory", say("the container's memory and what the weights need", "容器内存与权重所需内存"), memory},
		{"space", say("room on the disks and in /dev/shm", "磁盘与 /dev/shm 空间"), space},
		{"cards", say("cards, their health and who holds them", "NPU 的状态与占用"), cards},
		{"device-memory", say("max_device_memory and the cards", "max_device_memory 与 NPU 显存"), deviceMemory},
		{"inputs", say("your files that a recipe reads", "配方要读取的您的文件"), inputs},
		{"config", say("the training's config", "训练配置"), configured},
		{"cpu", say("what a training without a card cannot do", "没有 NPU 时不支持的设置"), onCPU},
		{"parallel", say("use_parallel and the number of cards", "use_parallel 与卡数"), parallel},
		{"output", say("output_dir", "output_dir"), output},
		{"data", say("the training data", "训练数据"), dataset},
		{"seq-length", say("the data's length and the model's", "数据长度与模型长度"), seqLength},
		{"tokenizer", say("the tokenizer and the vocabulary", "分词器与词表"), tokenizer},
		{"weights", say("the weights and the model", "权重与模型"), weights},
		{"resume", say("whether the training can go on from its checkpoint", "能否从权重继续训练"), resume},
		{"lfs", say("pointers of git-lfs in the place of files", "git-lfs 指针文件"), pointers},
		{"workers", say("threads of the dataset", "数据集线程数"), workers},
	}
}

// IDs are the ids of all checks, in their order.
func IDs() []string {
	var ids []string
	for _, check := range Checks() {
		ids = append(ids, check.ID)
	}
	return ids
}

// Examine carries out the checks, or those of the given ids, and returns what
// they found in their order. It takes at most some ten seconds, and says which
// checks were cut off; one that ctx ends before has found nothing.
func Examine(ctx context.Context, s *Subject, ids ...string) []Finding {
	return examine(ctx, s, slices.DeleteFunc(Checks(), func(c Check) bool { return len(ids) > 0 && !slices.Contains(ids, c.ID) }))
}

func examine(ctx context.Context, s *Subject, checks []Check) []Finding {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	found := make([]chan []Finding, len(checks))
	for i, c := range checks {
		found[i] = make(chan []Finding, 1)
		go func() { found[i] <- c.look(ctx, s) }()
	}
	var findings []Finding
	for i, c := range checks {
		for _, f := range c.wait(ctx, found[i]) {
			f.Check = c.ID
			findings = append(findings, f)
		}
	}
	return findings
}

// wait waits for a check as long as is reasonable. One that does not come back
// is left alone: it hangs in the kernel, where nobody can end it.
func (c Check) wait(ctx context.Context, found <-chan []Finding) []Finding {
	select {
	case findings := <-found:
		return findings
	case <-ctx.Done():
	}
	select {
	case findings := <-found: // both were ready
		return findings
	default:
	}
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return nil // somebody does not want to know any more
	}
	return []Finding{{
		Level:  Warning,
		Found:  say("cut off after %v, without a result", "超过 %v 仍无结果，已中止", patience),
		Why:    say("a program such as npu-smi, or a disk that is mounted over the network, does not answer; a training would hang there too", "npu-smi 等程序或网络挂载的磁盘没有响应；训练也会卡在那里"),
		Remedy: say("see which of them hangs: timeout 10 npu-smi info; timeout 10 df -h", "请找出是哪一个：timeout 10 npu-smi info; timeout 10 df -h"),
	}}
}

// Worst returns the highest level among findings, OK if there are none.
func Worst(findings []Finding) Level {
	worst := OK
	for _, f := range findings {
		if f.Level == Error || f.Level == Warning && worst == OK {
			worst = f.Level
		}
	}
	return worst
}
