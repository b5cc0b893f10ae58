package doctor

import (
	"context"
	"maps"
	"os"
	"slices"
	"time"

	"ftd/recipe/fault"
	"ftd/recipe/fetch"
)

// inputs looks at the files and addresses of the user that a recipe reads: are
// they there, and what they are taken for.
func inputs(_ context.Context, s *Subject) []Finding {
	var findings []Finding
	for _, name := range slices.Sorted(maps.Keys(s.Inputs)) {
		path := s.Inputs[name]
		if fetch.IsAddress(path) {
			findings = append(findings, expired(name, path, time.Now())...)
			continue
		}
		info, err := os.Stat(path)
		switch {
		case err != nil:
			findings = append(findings, Finding{
				Level:  Error,
				Found:  say("%s is %s, which cannot be read: %v", "%s 为 %s，无法读取：%v", name, path, fault.Reason(err)),
				Why:    say("the step ends as soon as its turn comes", "轮到该步骤时会立即失败"),
				Remedy: say("correct the path, or leave it out and let the recipe fetch the file", "请更正路径，或不指定而由配方下载"),
			})
		case info.Mode().IsRegular() && info.Size() == 0:
			findings = append(findings, Finding{
				Level:  Error,
				Found:  say("%s is %s, which is empty", "%s 为 %s，是空文件", name, path),
				Why:    say("it was written by something that did not end well", "写出它的程序没有正常结束"),
				Remedy: say("fetch or make it again", "请重新下载或生成"),
			})
		case info.Mode().IsRegular():
			if size := lfsPointer(path); size != "" {
				findings = append(findings, lfsFinding(path, size))
			}
		}
	}
	if len(findings) > 0 || len(s.Inputs) == 0 {
		return findings
	}
	return fine("%d files, directories and addresses of yours are in order", "您指定的 %d 个文件、目录或地址均正常", len(s.Inputs))
}

// expired looks for a presigned address whose time is over: its turn may come
// after hours. It does no harm where the file was fetched before.
func expired(name, address string, now time.Time) []Finding {
	until, signed := fetch.Expiry(address)
	if !signed || now.Before(until) {
		return nil
	}
	return []Finding{{
		Level:  Warning,
		Found:  say("%s is a presigned address, %s, which was valid until %s", "%s 为带签名的地址 %s，有效期至 %s", name, fetch.Shown(address), until.UTC().Format("2006-01-02 15:04 UTC")),
		Why:    say("unless the file was fetched before, the server answers with HTTP 403 and an XML error in its place", "除非文件已下载过，否则服务器会返回 HTTP 403 和 XML 错误，而不是文件"),
		Remedy: say("get a new link from the page that gave it to you, or name a copy on this machine", "请从原页面获取新的链接，或指定本机上的副本"),
	}}
}
