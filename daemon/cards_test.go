package daemon

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/daemon/settings"
	"ftd/launcher/devices"
)

func TestWhichCardsAreHandedOut(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir) // without the driver
	program := filepath.Join(dir, devices.Program)
	visible := func(list string) []string { return []string{"ASCEND_RT_VISIBLE_DEVICES=" + list} }
	auto := func() *settings.Settings { return &settings.Settings{Cards: "auto", Foreign: settings.ForeignWait} }

	require.Nil(t, cardsOf(&settings.Settings{Cards: "off"}, nil))
	require.Nil(t, cardsOf(auto(), nil), "there is no npu-smi")
	trusted := cardsOf(&settings.Settings{Cards: "0,2", Foreign: settings.ForeignIgnore}, nil)
	require.Nil(t, trusted.Look)
	require.Equal(t, []int{0, 2}, trusted.Only)
	_, err := cardsOf(&settings.Settings{Cards: "0,2", Foreign: settings.ForeignWait}, nil).Look(t.Context())
	var known *devices.Error
	require.True(t, errors.As(err, &known))
	require.Equal(t, devices.CodeMissing, known.Code)

	require.NoError(t, os.WriteFile(program, []byte("#!/bin/sh\necho \"$LD_LIBRARY_PATH\"\n"), 0o700))
	all := cardsOf(auto(), []string{"LD_LIBRARY_PATH=/driver"})
	require.Empty(t, all.Only)
	_, err = all.Look(t.Context())
	require.ErrorContains(t, err, `it printed "/driver"`)
	require.Equal(t, []int{2, 3}, cardsOf(auto(), visible("2,3")).Only)
	require.Nil(t, cardsOf(auto(), visible("")), "the daemon was given none")
	ignoring := auto()
	ignoring.Foreign = settings.ForeignIgnore
	require.True(t, cardsOf(ignoring, nil).Ignore)
	require.NotNil(t, cardsOf(ignoring, nil).Look, "which there are must be found out")
}
