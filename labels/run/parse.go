package run

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/distribution/reference"
	"github.com/xrash/smetrics"
)

// Parse reads the words that follow "run". The Spec is whole only when no
// finding has level [Error]. Options end at the image; what follows it is the
// container's, byte for byte. Words of the label's own text among it that look
// like options are remarked on; what the user typed is not.
func Parse(words []Word, from Caller) (Spec, []Finding) {
	p := parser{from: from, at: map[string]Origin{}}
	rest := p.flags(words)
	p.image(rest)
	if !p.failed() {
		p.judge()
	}
	return p.spec, p.findings
}

// ParseExec reads the words that follow "exec", which are options of run by
// the names in flags, a container and a command. The container is Spec.Image.
func ParseExec(words []Word, from Caller, flags []string) (Spec, []Finding) {
	p := parser{from: from, at: map[string]Origin{}, only: flags}
	rest := p.flags(words)
	switch {
	case p.unknown:
	case len(rest) < 2:
		p.refuse(BadValue, Origin{}, "write exec ${NAME} PROGRAM", "exec needs a container and a program")
	default:
		p.spec.Image = rest[0].Text
		for _, w := range rest[1:] {
			p.spec.Args = append(p.spec.Args, w.Text)
		}
	}
	return p.spec, p.findings
}

type parser struct {
	spec     Spec
	from     Caller
	findings []Finding
	at       map[string]Origin // where a field of the Spec was set last
	unknown  bool              // an unknown flag: what follows it may be its value
	only     []string          // the long names that are known; nil is all
}

func (p *parser) lookup(name string) *flag {
	f := flagByName()[name]
	if f != nil && p.only != nil && !slices.Contains(p.only, f.name) {
		return nil
	}
	return f
}

func (p *parser) failed() bool {
	return slices.ContainsFunc(p.findings, func(f Finding) bool { return f.Level == Error })
}

func (p *parser) refuse(code Code, at Origin, hint, format string, args ...any) {
	p.findings = append(p.findings, Finding{
		Code: code, Level: Error, Origin: at, Hint: hint, Message: fmt.Sprintf(format, args...),
	})
}

// flags reads options and returns the words from the image on.
func (p *parser) flags(words []Word) []Word {
	for len(words) > 0 {
		text := words[0].Text
		switch {
		case text == "--":
			return words[1:]
		case strings.HasPrefix(text, "--"):
			words = p.long(words)
		case len(text) > 1 && text[0] == '-':
			words = p.short(words)
		default:
			return words
		}
	}
	return nil
}

// long reads --name, --name=value or --name value.
func (p *parser) long(words []Word) []Word {
	word, rest := words[0], words[1:]
	name, value, joined := strings.Cut(word.Text, "=")
	f := p.lookup(name)
	if f == nil {
		p.unknownFlag(word, name)
		return rest
	}
	return p.one(f, name, value, joined, word, rest)
}

// short reads -abc, -n5, -n=5 or -n 5.
func (p *parser) short(words []Word) []Word {
	word, rest := words[0], words[1:]
	for letters := word.Text[1:]; letters != ""; {
		name := "-" + letters[:1]
		letters = letters[1:]
		f := p.lookup(name)
		if f == nil {
			p.unknownFlag(word, name)
			return rest
		}
		joined := letters != "" && (!f.isBool() || letters[0] == '=')
		if !joined && f.isBool() {
			p.set(f, name, "true", word.At)
			continue
		}
		if len(letters) > 1 {
			letters = strings.TrimPrefix(letters, "=")
		}
		before := len(p.findings)
		rest = p.one(f, name, letters, joined, word, rest)
		if long := "-" + word.Text; len(p.findings) > before && flagByName()[long] != nil {
			p.findings[before].Hint = "did you mean " + long + "?"
		}
		return rest
	}
	return rest
}

// one reads the value of a flag, from its own word or the next.
func (p *parser) one(f *flag, name, value string, joined bool, word Word, rest []Word) []Word {
	switch {
	case joined:
		p.set(f, name, value, word.At)
	case f.isBool():
		p.set(f, name, "true", word.At)
	case len(rest) == 0:
		p.refuse(BadValue, word.At, "", "%s needs a value: %s", name, f.takes)
	default:
		p.set(f, name, rest[0].Text, rest[0].At)
		return rest[1:]
	}
	return rest
}

func (p *parser) set(f *flag, name, value string, at Origin) {
	if f.refused != "" {
		p.refuse(NotSupported, at, "", "%s is not taken: %s", name, f.refused)
		return
	}
	if err := f.set(&p.spec, value, p.from); err != nil {
		hint := ""
		if f.takes != "" {
			hint = name + " takes " + f.takes
		}
		p.refuse(BadValue, at, hint, "%s: %s", name, flat(err))
		return
	}
	p.at[f.field] = at
	if n := len(p.spec.Env); f.field == "Env" && p.spec.Env[n-1].FromCaller {
		p.findings = append(p.findings, Finding{
			Code: EnvFromCaller, Level: Note, Field: fmt.Sprintf("Env[%d]", n-1), Origin: at,
			Message: fmt.Sprintf("%s takes %s from the caller's environment", name, value),
			Hint:    "it is passed on only if the user names it with --pass-env " + value,
		})
	}
}

// flat writes joined errors on one line.
func flat(err error) string {
	return strings.ReplaceAll(err.Error(), "\n", "; ")
}

func (p *parser) unknownFlag(word Word, name string) {
	p.unknown = true
	hint := ""
	if strings.HasPrefix(name, "--") {
		if near := Nearest(name, longNames()); near != "" {
			hint = "did you mean " + near + "?"
		}
	} else if long := "-" + word.Text; flagByName()[long] != nil {
		hint = "did you mean " + long + "?"
	}
	p.refuse(UnknownFlag, word.At, hint, "unknown flag %s", name)
}

func longNames() []string {
	var names []string
	for name, f := range flagByName() {
		if strings.HasPrefix(name, "--") && f.refused == "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Nearest gives the candidate that a slip of the finger would turn into text,
// or "".
func Nearest(text string, candidates []string) string {
	best, score := "", 0.88
	for _, c := range candidates {
		if s := smetrics.JaroWinkler(text, c, 0.7, 4); s > score {
			best, score = c, s
		}
	}
	return best
}

// image reads the image and what follows it.
func (p *parser) image(rest []Word) {
	if p.unknown {
		return
	}
	if len(rest) == 0 {
		p.refuse(NoImage, Origin{}, "end the options with IMAGE", "there is no image after the options")
		return
	}
	p.spec.Image = rest[0].Text
	if err := checkImage(p.spec.Image); err != nil {
		p.refuse(BadValue, rest[0].At, "the first word that is not an option must be the image", "%q is not an image: %s", p.spec.Image, flat(err))
		return
	}
	args := rest[1:]
	for _, w := range args {
		p.spec.Args = append(p.spec.Args, w.Text)
	}
	p.optionsAfter(args)
}

func checkImage(name string) error {
	// podman's transports, as in docker-archive:FILE, are images too.
	if transport, _, ok := strings.Cut(name, ":"); ok && slices.Contains(transports, transport) {
		return nil
	}
	if name == "" {
		return errors.New("it is empty")
	}
	_, err := reference.ParseAnyReference(name)
	return err
}

var transports = []string{"docker", "docker-archive", "docker-daemon", "oci", "oci-archive", "dir", "containers-storage"}

// optionsAfter remarks on options that come too late to be options: on all that
// stand right behind the image, and behind a program's name on those that are
// spelled like the engine's.
func (p *parser) optionsAfter(args []Word) {
	leading := true
	for _, w := range args {
		if w.At.Source == UserWord || w.Text == "--" {
			return
		}
		name, _, _ := strings.Cut(w.Text, "=")
		isOption, isFlag := len(w.Text) > 1 && w.Text[0] == '-', flagByName()[name] != nil
		leading = leading && isOption
		if !leading && !(isFlag && strings.HasPrefix(name, "--")) {
			continue
		}
		f := Finding{
			Code: OptionAfterImage, Level: Note, Field: "Args", Origin: w.At,
			Message: fmt.Sprintf("%s stands after the image, so it goes to the container", w.Text),
		}
		if leading && isFlag {
			f.Level, f.Hint = Warning, "put "+name+" before the image if it is meant for the engine"
		}
		p.findings = append(p.findings, f)
	}
}

// UserWord is the Source of a word that the user typed after the image.
const UserWord = "argument"

// judge adds the conflicts, each at the flag that was set last.
func (p *parser) judge() {
	for _, f := range Validate(p.spec) {
		f.Origin = p.at[f.Field]
		p.findings = append(p.findings, f)
	}
}
