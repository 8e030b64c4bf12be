package labels

import (
	"slices"
	"testing"

	"github.com/projectatomic/atomic/labels/run"
)

// argv expands text with a few variables and gives the words, and the codes
// of the findings.
func argv(text string) ([]string, []run.Code) {
	vars := Vars{
		Image: "reg.example/team/web:1", Name: "web",
		Scalars: map[string]string{"SP": "a  b", "DOLLAR": "$NAME", "EMPTY": "", "PWD": "/srv/my files"},
		Lists:   map[string]string{"OPT1": `-e 'A=x y' "$NAME" \;`, "OPT2": ""},
	}
	words, findings := split(text)
	e := expander{vars: vars, findings: findings, doubtful: map[run.Origin]bool{}}
	var out []string
	for _, w := range e.expand(words) {
		out = append(out, w.Text)
	}
	var codes []run.Code
	for _, f := range e.findings {
		codes = append(codes, f.Code)
	}
	return out, codes
}

func TestWords(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
	}{
		{"a  b\tc\nd", []string{"a", "b", "c", "d"}},
		{`'a b' "c d" e\ f`, []string{"a b", "c d", "e f"}},
		{`a"b c"d'e f'g`, []string{"ab cde fg"}},
		{`'' "" ''""`, []string{"", "", ""}},
		{`"a\"b\\c\$d\e"`, []string{`a"b\c$d\e`}},
		{`'a\b'`, []string{`a\b`}},
		{"a\\\nb \\\n c", []string{"ab", "c"}},
		{"\"a\\\nb\"", []string{"ab"}},
		{"# *.txt {a,b} ~ $ $$ a$ 5$ $1", []string{"#", "*.txt", "{a,b}", "~", "$", "$$", "a$", "5$", "$1"}},
		{`';|&<>()' "$(pwd)" ` + "`pwd`", []string{";|&<>()", "/srv/my files", "/srv/my files"}},
		{`\; \$NAME '$NAME' "\$NAME"`, []string{";", "$NAME", "$NAME", "$NAME"}},
		{"é\\ü", []string{"éü"}},
		// Variables never split, and are never looked at again.
		{`$SP "${SP}" x${SP}y`, []string{"a  b", "a  b", "xa  by"}},
		{`$DOLLAR`, []string{"$NAME"}},
		{`${EMPTY:-d} ${EMPTY} "${NONE:-a b}" ${NONE:-$NAME} ${NONE:-"a b"} ${NONE:-${NONE:-x}}`, []string{"d", "", "a b", "web", "a b", "x"}},
		{`${NONE:-a\}b} "${NONE:-it's}"`, []string{"a}b", "it's"}},
		// Lists are arguments where they stand alone, and nothing when absent.
		{`$OPT1`, []string{"-e", "A=x y", "$NAME", ";"}},
		{`"$OPT1" x$OPT1`, []string{`-e 'A=x y' "$NAME" \;`, `x-e 'A=x y' "$NAME" \;`}},
		{`a $OPT2 "$OPT2" b`, []string{"a", "", "b"}},
		{`a $OPT3 ${OPT3} "$OPT3" $OPT3$RUN_OPTS x$OPT3 ${OPT3:-d} b`, []string{"a", "x", "d", "b"}},
		// Bare words.
		{"NAME IMAGE A=NAME --name=NAME X=IMAGE", []string{"web", "reg.example/team/web:1", "A=web", "--name=web", "X=reg.example/team/web:1"}},
		{`"NAME" 'IMAGE' N\AME NAMES xNAME NAME:1 A=NAMES "A=NAME" A="NAME" a,NAME`, []string{"NAME", "IMAGE", "NAME", "NAMES", "xNAME", "NAME:1", "A=NAMES", "A=NAME", "A=NAME", "a,NAME"}},
		{`$SP=NAME "x"=IMAGE`, []string{"a  b=web", "x=reg.example/team/web:1"}},
		{"$CONFDIR $LOGDIR $DATADIR", []string{"/etc/web", "/var/log/web", "/var/lib/web"}},
	} {
		got, codes := argv(c.text)
		if !slices.Equal(got, c.want) || codes != nil {
			t.Errorf("%s\n got %q %v\nwant %q", c.text, got, codes, c.want)
		}
	}
}

func TestWordsRefused(t *testing.T) {
	for _, c := range []struct {
		text string
		want []run.Code
	}{
		{`'a`, []run.Code{Syntax}},
		{`"a`, []run.Code{Syntax}},
		{`"a'`, []run.Code{Syntax}},
		{`a\`, []run.Code{Syntax}},
		{`"a\`, []run.Code{Syntax}},
		{"`pwd", []run.Code{Syntax}},
		{"a\x00b", []run.Code{Syntax}},
		{"a\rb", []run.Code{Syntax}},
		{"a\u009bb", []run.Code{Syntax}},
		{`${`, []run.Code{Syntax}},
		{`${}`, []run.Code{Syntax}},
		{`${A`, []run.Code{Syntax}},
		{`${A:-b`, []run.Code{Syntax}},
		{`"${A:-b"`, []run.Code{Syntax}},
		{`${A:=b}`, []run.Code{Syntax}},
		{`${A#b}`, []run.Code{Syntax}},
		{`${A:-b c}`, []run.Code{Syntax}},
		{`a; b | c && d > e <f (g)`, []run.Code{ShellOperator, ShellOperator, ShellOperator, ShellOperator, ShellOperator, ShellOperator, ShellOperator}},
		{"$(id -u) `id` \"$(id)\"", []run.Code{CommandSubstitution, CommandSubstitution, CommandSubstitution}},
		{"$(a $(b) c) d", []run.Code{CommandSubstitution}},
		{"$(a", []run.Code{CommandSubstitution}},
		{"$NONE ${NONE}x ${NONE:-$NOTHING}", []run.Code{UnsetVariable, UnsetVariable, UnsetVariable}},
	} {
		if _, codes := argv(c.text); !slices.Equal(codes, c.want) {
			t.Errorf("%q gives %v, want %v", c.text, codes, c.want)
		}
	}
}

func TestValueIsNotExpanded(t *testing.T) {
	words, findings := splitValue(`-e A=$NAME "B=${X" 'C=$(id)' "`+"`id`"+`"`, "OPT1")
	if len(words) != 5 || findings != nil {
		t.Fatalf("%d words, findings %v", len(words), findings)
	}
	for _, text := range []string{"`id`", "$(id)", "a;b", "'a"} {
		if _, findings := splitValue(text, "OPT1"); len(findings) == 0 || findings[0].Source != "OPT1" {
			t.Errorf("%s gives %v, want a finding in OPT1", text, findings)
		}
	}
}

func TestFindingsPointAtTheText(t *testing.T) {
	text := `docker run -v ${NOWHERE}:/x --priveleged IMAGE; ls`
	r := Read(Text{Label: "RUN", Value: text}, Vars{}, nil)
	var pointed []string
	for _, f := range r.Findings {
		pointed = append(pointed, text[f.Offset:f.Offset+f.Length])
	}
	if want := []string{";", "${NOWHERE}", "--priveleged"}; !slices.Equal(pointed, want) {
		t.Errorf("findings point at %q, want %q", pointed, want)
	}
}

func TestDepthAndLengthAreBounded(t *testing.T) {
	deep := ""
	for range 10_000 {
		deep += "${A:-"
	}
	long := make([]byte, maxText+1)
	for i := range long {
		long[i] = 'a'
	}
	for _, text := range []string{deep, string(long)} {
		if _, findings := split(text); len(findings) != 1 || findings[0].Code != Syntax {
			t.Errorf("%d bytes give %v, want one syntax finding", len(text), findings)
		}
	}
}
