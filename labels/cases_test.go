package labels

import (
	"encoding/json"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/projectatomic/atomic/labels/run"
)

// A labelCase is a label as it occurs in the wild and what must come of it.
type labelCase struct {
	ID, Label, Text, Image, Name string
	Opts                         []string
	Env                          map[string]string
	Words                        []string
	Expect                       struct {
		Action, Hint string
		Argv, Codes  []string
		Risks        []string
	}
}

func (c labelCase) read() Reading {
	vars := Vars{Image: c.Image, Name: c.Name, Scalars: c.Env, Lists: map[string]string{}}
	if vars.Name == "" {
		vars.Name = ContainerName(c.Image)
	}
	for i, opt := range c.Opts {
		vars.Lists["OPT"+strconv.Itoa(i+1)] = opt
	}
	return Read(Text{Label: c.Label, Value: c.Text}, vars, c.Words)
}

func loadCases(t *testing.T) []labelCase {
	t.Helper()
	data, err := os.ReadFile("testdata/cases.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []labelCase
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

func TestCases(t *testing.T) {
	for _, c := range loadCases(t) {
		t.Run(c.ID, func(t *testing.T) { c.check(t) })
	}
}

func (c labelCase) check(t *testing.T) {
	r := c.read()
	action := ""
	if r.Action != nil {
		action = r.Action.Kind()
	}
	if action != c.Expect.Action {
		t.Errorf("action %q, want %q; findings %v", action, c.Expect.Action, r.Findings)
	}
	if c.Expect.Argv != nil && !slices.Equal(r.Argv, c.Expect.Argv) {
		t.Errorf("argv\n %q, want\n %q", r.Argv, c.Expect.Argv)
	}
	if c.Expect.Risks != nil && !sameNames(r.Risks, c.Expect.Risks) {
		t.Errorf("risks %v, want %v", r.Risks, c.Expect.Risks)
	}
	for _, code := range c.Expect.Codes {
		i := slices.IndexFunc(r.Findings, func(f run.Finding) bool { return string(f.Code) == code })
		if i < 0 {
			t.Fatalf("findings %v lack %s", r.Findings, code)
		}
		if !strings.Contains(r.Findings[i].Hint, c.Expect.Hint) {
			t.Errorf("hint %q lacks %q", r.Findings[i].Hint, c.Expect.Hint)
		}
	}
	if refused := len(c.Expect.Codes) > 0; r.Refused() != refused {
		t.Errorf("refused %v, want %v: %v", r.Refused(), refused, r.Findings)
	}
}

func sameNames(risks []run.Risk, want []string) bool {
	var names []string
	for _, r := range risks {
		names = append(names, string(r.Name))
	}
	slices.Sort(names)
	return slices.Equal(names, slices.Sorted(slices.Values(want)))
}
