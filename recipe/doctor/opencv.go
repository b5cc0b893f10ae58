package doctor

import (
	"cmp"
	"context"
	"strings"

	"ftd/launcher"
)

// opencv looks for the kind of OpenCV that needs a screen: its cv2 is linked
// to libGL, which servers and notebooks do not have.
func opencv(ctx context.Context, s *Subject) []Finding {
	e, err := s.environment()
	if err != nil {
		return nil
	}
	var screen, all []string
	for _, name := range []string{"opencv-python", "opencv-contrib-python", "opencv-python-headless", "opencv-contrib-python-headless"} {
		if e.version(name) == "" {
			continue
		}
		all = append(all, name)
		if !strings.HasSuffix(name, "-headless") {
			screen = append(screen, name)
		}
	}
	if len(all) == 0 {
		return nil
	}
	if len(screen) == 0 || len(all) == 1 && s.hasLibrary("libGL.so.1") {
		return fine("%s %s", "%s %s", all[0], e.version(all[0]))
	}
	swap := []string{"uninstall -y " + strings.Join(all, " "), "install opencv-python-headless"}
	f := Finding{
		Level:  Error,
		Found:  say("%s, and no libGL.so.1", "安装了 %s，但没有 libGL.so.1", strings.Join(screen, ", ")),
		Why:    say("importing cv2, and with it mindformers, ends with: libGL.so.1: cannot open shared object file", "导入 cv2（进而导入 mindformers）会报错：libGL.so.1: cannot open shared object file"),
		Remedy: say("%s && %s", "%s && %s", e.pip(swap[0]), e.pip(swap[1])),
		Fix:    &Fix{Does: e.pip(swap[0]) + " && " + e.pip(swap[1]), Do: func(ctx context.Context) error { return e.run(ctx, swap...) }},
	}
	if len(all) > 1 {
		f.Level = Warning
		f.Found = say("several at once: %s", "同时安装了多个：%s", strings.Join(all, ", "))
		f.Why = say("all of them write the same module cv2; which one it is now depends on the order", "它们都写入同一个模块 cv2，最终是哪个取决于安装顺序")
	}
	return []Finding{f}
}

// hasLibrary says whether the dynamic loader would find a library in one of its
// usual places.
func (s *Subject) hasLibrary(name string) bool {
	for _, dir := range []string{"lib", "lib64", "usr/lib", "usr/lib64", "lib/*-linux-gnu", "usr/lib/*-linux-gnu"} {
		if len(launcher.Glob(cmp.Or(s.Root, "/"), dir+"/"+name)) > 0 {
			return true
		}
	}
	return len(launcher.Glob(s.Env, "lib/"+name)) > 0
}
