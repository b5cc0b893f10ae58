package api

// NoticeTest is what came of telling one target for a test.
type NoticeTest struct {
	Name string `json:"name"`
	// Target is where it went, without secrets.
	Target string `json:"target"`
	// Error says why it did not arrive; empty if it did.
	Error string `json:"error,omitempty"`
}

// NoticeTestList is the answer of POST /v1/notify/test.
type NoticeTestList struct {
	Targets []NoticeTest `json:"targets"`
}
