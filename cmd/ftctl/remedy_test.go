package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/api"
	"ftd/logparse"
)

func TestRemediesAreInTheLanguageOfTheLocale(t *testing.T) {
	s := logparse.Signatures().Lookup("static-tls")
	require.NotNil(t, s)
	known := &api.Error{Code: s.ID, Message: s.Cause, Remedy: s.Remedy}
	own := &api.Error{Code: "our-proxy", Remedy: "ask us"}
	for lang, remedy := range map[string]string{"zh_CN.UTF-8": s.RemedyZH, "en_US.UTF-8": s.Remedy} {
		t.Setenv("LC_ALL", lang)
		var out strings.Builder
		writeError(&out, known, palette{})
		require.Contains(t, out.String(), plain(remedy))
		out.Reset()
		writeError(&out, own, palette{})
		require.Contains(t, out.String(), "ask us")
	}
}
