package api

// Plan is the answer of POST /v1/plans: what a job would do, without any of it
// being done.
type Plan struct {
	Recipe string            `json:"recipe"`
	Vars   map[string]string `json:"vars,omitempty"` // all of them, with the defaults
	Steps  []StepPlan        `json:"steps"`
	// DownloadBytes is the sum over the steps that would run, as far as it is
	// known; DiskBytes is the most that the results take at any time, and
	// MemoryBytes and Cards are the most that one step takes.
	DownloadBytes int64 `json:"download_bytes"`
	DiskBytes     int64 `json:"disk_bytes"`
	MemoryBytes   int64 `json:"memory_bytes"`
	Cards         int   `json:"cards"`
	// DiskFreeBytes is what is free where results are stored.
	DiskFreeBytes int64 `json:"disk_free_bytes"`
}

// StepPlan is what a job would do with one of its steps. An output that nobody
// has made yet stands as ‹ID.NAME› in it.
type StepPlan struct {
	ID      string `json:"id"`
	Uses    string `json:"uses"`
	Summary string `json:"summary"`
	// Cached says that the result is there and the step would be skipped.
	Cached bool `json:"cached"`
	// After names outputs (ID.NAME) that must be made before more is known.
	After []string `json:"after,omitempty"`
	// Place is where the result would go because the state directory has no
	// room for it; memory_bytes counts it if that is memory.
	Place string `json:"place,omitempty"`
	// FreedBytes are those of results in between that are removed after the step.
	FreedBytes int64 `json:"freed_bytes,omitempty"`
	// LeftOut says that when: or unless: of the recipe leaves the step out.
	LeftOut bool `json:"left_out,omitempty"`
	// Again says why a result that is there would be made anew.
	Again     string     `json:"again,omitempty"`
	Inputs    []string   `json:"inputs,omitempty"`
	Outputs   []string   `json:"outputs,omitempty"` // names
	Downloads []Download `json:"downloads,omitempty"`
	// DiskBytes, MemoryBytes and Cards are 0 where they are not known, or next
	// to nothing.
	DiskBytes   int64 `json:"disk_bytes,omitempty"`
	MemoryBytes int64 `json:"memory_bytes,omitempty"`
	Cards       int   `json:"cards,omitempty"`
	// Error is what would make the step fail.
	Error *Error `json:"error,omitempty"`
}

// Download is a file that a step would fetch.
type Download struct {
	Name    string   `json:"name"`
	Sources []string `json:"sources"`         // tried in this order
	Bytes   int64    `json:"bytes,omitempty"` // 0 where it is not known
	SHA256  string   `json:"sha256,omitempty"`
}
