package devices

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func sample(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return string(text)
}

// words says what was read of a device, in one line.
func words(d Device) string {
	measured := func(f *float64) string {
		if f == nil {
			return "?"
		}
		return fmt.Sprint(*f)
	}
	s := fmt.Sprintf("%d: %d/%d davinci%d %s %s %sW %sC %d/%d", d.Logical, d.Card, d.Chip, d.Physical, d.Name, d.Health,
		measured(d.Power), measured(d.Temperature), d.Memory.Used, d.Memory.Total)
	for _, p := range d.Processes {
		s += fmt.Sprintf(" [%d %d %q %d]", p.PID, p.Inside, p.Name, p.Memory)
	}
	return s
}

func TestTablesOfManyDrivers(t *testing.T) {
	for _, c := range []struct {
		file, version string
		processes     bool
		want          []string
	}{
		{"20.2-310.txt", "20.2.2", false, []string{
			"0: 2048/0 davinci-1 310 OK 12.8W 51C 2411/8192",
			"1: 2048/1 davinci-1 310 OK 12.8W 53C 2402/8192",
			"2: 2304/0 davinci-1 310 Warning 12.8W 88C 7090/8192",
		}},
		{"21.0-910A.txt", "21.0.2", false, []string{
			"0: 1/0 davinci-1 910A OK 61.2W 52C 0/32768",
			"1: 4/0 davinci-1 910A OK 224.9W 71C 30790/32768",
		}},
		{"22.0-310P.txt", "22.0.2", true, []string{
			"0: 2144/0 davinci-1 310P3 OK ?W 47C 1811/21527",
			"1: 2144/1 davinci-1 310P3 Critical ?W ?C 0/21527",
		}},
		{"23.0-910B3.txt", "23.0.3", true, []string{
			"0: 0/0 davinci-1 910B3 OK 93.4W 41C 3379/65536",
			`1: 1/0 davinci-1 910B3 OK 301.7W 58C 58231/65536 [1204411 0 "" 54790] [1204987 0 "python3.9" 132]`,
			"2: 2/0 davinci-1 910B3 Alarm 95.1W 39C 3381/65536",
			"3: 3/0 davinci-1 910B3 UNKNOWN ?W ?C 0/0",
		}},
		{"24.1-910C.txt", "24.1.rc3.5", true, []string{
			"0: 0/0 davinci0 Ascend910 OK 176.3W 37C 3416/65536",
			"1: 0/1 davinci1 Ascend910 OK ?W 38C 3194/65536",
			`2: 1/0 davinci2 Ascend910 OK 310.8W 49C 50119/65536 [88120 0 "python" 46703]`,
			`3: 1/1 davinci3 Ascend910 OK ?W 50C 41007/65536 [88121 0 "python" 37810]`,
		}},
		{"25.2-910B4-container.txt", "25.2.0", true, []string{
			`0: 3/0 davinci-1 910B4 OK 82.6W 32C 2871/32768 [485946 212 "pytest" 151]`,
			"1: 6/0 davinci-1 910B4 OK 84W 33C 30114/32768",
		}},
		{"26.0-950.txt", "26.0.rc1", true, []string{
			`0: 0/0 davinci-1 Ascend950DT OK 101W 40C 1024/131072 [1001 0 "python" 256]`,
			"1: 3/0 davinci-1 Ascend950DT Alarm 120W 45C 2048/131072",
		}},
	} {
		t.Run(c.file, func(t *testing.T) {
			shot, err := Parse(sample(t, c.file))
			require.NoError(t, err)
			require.Equal(t, c.version, shot.Version)
			require.Equal(t, c.processes, shot.Processes)
			var got []string
			for _, d := range shot.Devices {
				got = append(got, words(d))
			}
			require.Equal(t, c.want, got)
		})
	}
}

func TestWhatUsesACard(t *testing.T) {
	shot, err := Parse(sample(t, "23.0-910B3.txt"))
	require.NoError(t, err)
	require.Empty(t, shot.Devices[0].InUse())
	require.Equal(t, "process 1204411 and 1 more", shot.Devices[1].InUse())
	require.True(t, shot.Devices[0].Healthy())
	require.False(t, shot.Devices[2].Healthy())
	require.False(t, shot.Devices[3].Healthy())

	// Of another container only the memory is seen.
	shot, err = Parse(sample(t, "25.2-910B4-container.txt"))
	require.NoError(t, err)
	require.Equal(t, "process 485946 (pytest)", shot.Devices[0].InUse())
	require.Equal(t, "a process that is not in sight: its memory is in use", shot.Devices[1].InUse())

	// The memory of a 310 is that of its control CPUs as well.
	shot, err = Parse(sample(t, "20.2-310.txt"))
	require.NoError(t, err)
	require.Empty(t, shot.Devices[0].InUse())
	require.True(t, shot.Devices[2].Healthy(), "a warning is no fault")
}

func TestNamesWithSpacesAndTrickyProcesses(t *testing.T) {
	text := strings.ReplaceAll(sample(t, "23.0-910B3.txt"), " 0     910B3   ", " 0     Ascend 910B3")
	text = strings.ReplaceAll(text, "python3.9", "health   ")
	shot, err := Parse(text)
	require.NoError(t, err)
	require.Equal(t, "Ascend 910B3", shot.Devices[0].Name)
	require.Equal(t, "health", shot.Devices[1].Processes[1].Name)
	require.Len(t, shot.Devices, 4)
}

func TestTextsThatAreNoTable(t *testing.T) {
	whole := sample(t, "23.0-910B3.txt")
	cut := whole[:strings.Index(whole, "| 0                         | 0000:82")]
	for _, c := range []struct{ text, code, says string }{
		{"", CodeUnreadable, "it printed nothing"},
		{"Hello\nworld", CodeUnreadable, `it printed "Hello"`},
		{sample(t, "fails-driver.txt"), CodeDriver, "dcmi module initialize failed. ret is -8005"},
		{sample(t, "fails-taken.txt"), CodeTaken, "another container"},
		{sample(t, "fails-denied.txt"), CodeDenied, "HwHiAiUser"},
		{sample(t, "fails-libraries.txt"), CodeLibraries, "LD_LIBRARY_PATH"},
		{"bash: npu-smi: command not found\n", CodeMissing, "setting npu_smi"},
		{cut, CodeUnreadable, `breaks off below the card "3"`},
		{strings.Replace(whole, "| 2     910B3", "| x     910B3", 1), CodeUnreadable, `"x" is not the number of a card`},
		{strings.Replace(whole, "1204411", "nobody ", 1), CodeUnreadable, "card and pid"},
		{strings.Replace(whole, "| 1       0                 | 1204411", "| 9       0                 | 1204411", 1), CodeUnreadable, "chip 0 of card 9"},
		{strings.Replace(whole, "| Alarm  ", "|        ", 1), CodeUnreadable, "how the card 2 does"},
	} {
		_, err := Parse(c.text)
		var known *Error
		require.True(t, errors.As(err, &known), "%q: %v", c.text, err)
		require.Equal(t, c.code, known.Code, "%v", err)
		require.ErrorContains(t, err, c.says)
		require.NotEmpty(t, known.Remedy)
	}
}

func TestLogicalIDs(t *testing.T) {
	shot, err := Parse(sample(t, "24.1-910C.txt"))
	require.NoError(t, err)
	m, err := ParseMapping(sample(t, "mapping-910C.txt"))
	require.NoError(t, err)
	require.Equal(t, Mapping{{0, 0}: 0, {0, 1}: 1, {1, 0}: 2, {1, 1}: 3}, m)
	Mapping{{0, 0}: 3, {0, 1}: 2, {1, 0}: 1, {1, 1}: 0}.Apply(&shot)
	require.Equal(t, 3, shot.Devices[0].Physical, "in the order of the logical ids")
	require.Equal(t, 0, shot.Devices[0].Logical)
	// A mapping that fits another machine changes nothing.
	for _, wrong := range []Mapping{{{0, 0}: 0}, {{0, 0}: 0, {0, 1}: 0, {1, 0}: 1, {1, 1}: 2}} {
		wrong.Apply(&shot)
		require.Equal(t, 3, shot.Devices[0].Physical)
	}
	_, err = ParseMapping("nothing of the kind")
	require.Error(t, err)
	m, err = ParseMapping(sample(t, "mapping-910B4-container.txt"))
	require.NoError(t, err)
	require.Equal(t, Mapping{{3, 0}: 0, {6, 0}: 1}, m)
}

func TestVisible(t *testing.T) {
	require.Equal(t, []int{1, 2, 3}, Visible("1,2,3"))
	require.Equal(t, []int{1}, Visible("1, 2"), "as CANN reads it")
	require.Equal(t, []int{3}, Visible("3,3,-1,4"))
	require.Empty(t, Visible(""))
}

func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.txt")
	require.NoError(f, err)
	for _, file := range files {
		f.Add(sample(f, filepath.Base(file)))
	}
	f.Fuzz(func(t *testing.T, text string) {
		shot, err := Parse(text)
		if err == nil {
			require.NotEmpty(t, shot.Devices)
			for i, d := range shot.Devices {
				require.Equal(t, i, d.Logical)
				require.NotEmpty(t, d.Health)
				require.GreaterOrEqual(t, d.Memory.Used, int64(0))
			}
			if m, err := ParseMapping(text); err == nil {
				m.Apply(&shot)
			}
			return
		}
		var known *Error
		require.True(t, errors.As(err, &known), "%v", err)
	})
}
