package run

// Level says what a finding means for the action it is about.
type Level string

// The levels of a finding.
const (
	Error   Level = "error"   // the action is refused
	Warning Level = "warning" // it happens, but likely not as meant
	Note    Level = "note"    // it happens; worth knowing
)

// Code names a kind of finding; codes are stable and documented.
type Code string

// Codes of findings about words and flags.
const (
	UnknownFlag      Code = "unknown-flag"
	BadValue         Code = "bad-value"
	Conflict         Code = "conflict"
	NoImage          Code = "no-image"
	OptionAfterImage Code = "option-after-image"
	EnvFromCaller    Code = "env-from-caller"
	IgnoredFlag      Code = "ignored-flag"  // it has no effect
	NotSupported     Code = "not-supported" // the target cannot express the field
)

// An Origin is where a word stands in the text its author wrote.
type Origin struct {
	// Source is empty for the text itself (a label's value), or names what was
	// put in: OPT1, RUN_OPTS, or "argument" for what the user typed.
	Source string `json:"source,omitempty"`
	Offset int    `json:"offset"` // in bytes
	Length int    `json:"length"`
}

// A Word is one argument and where it came from.
type Word struct {
	Text string
	At   Origin
}

// A Finding is something the author or the user should know.
type Finding struct {
	Code    Code   `json:"code"`
	Level   Level  `json:"level"`
	Field   string `json:"field,omitempty"` // the Spec's, such as Mounts or Mounts[2].Options
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	Origin
}
