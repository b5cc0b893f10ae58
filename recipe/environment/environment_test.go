package environment

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDifferences(t *testing.T) {
	facts := Facts{Python: "3.7.9", Packages: map[string]string{"mindspore": "2.0.0", "torch": "1.11.0+cpu", "opencv-python": "4.5.4", "opencv-contrib-python": "4.5.4", "opencv-contrib-python-headless": "4.5.0"}}
	require.Empty(t, Want{Python: "3.7", Packages: []string{"MindSpore==2.0.0", "torch==1.11.0", "torch"}, Absent: []string{"tk"}}.Differences(facts))
	require.Equal(t, []Difference{
		{What: "Python is 3.7.9 instead of 3.9"},
		{What: "torch is 1.11.0+cpu instead of 1.11.0+cu113", Install: "torch==1.11.0+cu113"},
		{What: "fschat is missing", Install: "fschat[model_worker,webui]==0.2.13"},
	}, Want{Python: "3.9", Packages: []string{"torch==1.11.0+cu113", "fschat[model_worker,webui]==0.2.13"}}.Differences(facts))
	require.Len(t, Want{Python: "3.79"}.Differences(facts), 1)
	require.Equal(t, Want{
		Packages: []string{"opencv-python-headless==4.5.4"}, Absent: []string{"opencv-contrib-python", "opencv-python"},
	}, Want{}.Headless(facts))
	require.Error(t, Want{Packages: []string{"a>=1"}}.Check())
	require.Error(t, Want{Packages: []string{"--index-url=x"}}.Check())
	require.NoError(t, Want{Packages: []string{"fschat[model_worker,webui]==0.2.13", "a"}}.Check())
}

func TestCommands(t *testing.T) {
	require.Equal(t, [][]string{
		{"/e/bin/python", "-m", "pip", "--no-input", "--disable-pip-version-check", "uninstall", "--yes", "opencv-python"},
		{"/e/bin/python", "-m", "pip", "--no-input", "--disable-pip-version-check", "install", "--no-index", "--force-reinstall", "--no-deps", "a==1"},
	}, Mend("/e", []Difference{{Install: "a==1"}, {Remove: "opencv-python"}, {What: "Python"}}, []string{"--no-index"}))
	require.Empty(t, Mend("/e", []Difference{{What: "Python"}}, nil))
	require.Equal(t, []string{"conda", "create", "--yes", "--quiet", "--prefix", "/e", "--override-channels", "--channel", "conda-forge", "--offline", "python=3.9", "pip"},
		Conda("conda", "/e", "3.9", []string{"conda-forge"}, true))
}
