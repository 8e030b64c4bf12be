package podman

import (
	"fmt"
	"strings"
)

// defaultKeys are Podman's, if its configuration does not say otherwise.
const defaultKeys = "ctrl-p,ctrl-q"

// detachKeys reads keys as docker and podman spell them: single characters and
// ctrl-X, with commas between.
func detachKeys(text string) ([]byte, error) {
	if text == "" {
		text = defaultKeys
	}
	var keys []byte
	for word := range strings.SplitSeq(text, ",") {
		letter, ctrl := strings.CutPrefix(strings.ToLower(word), "ctrl-")
		switch {
		case len(word) == 1:
			keys = append(keys, word[0])
		case ctrl && len(letter) == 1 && 'a' <= letter[0] && letter[0] <= 'z':
			keys = append(keys, letter[0]-'a'+1)
		case ctrl && len(letter) == 1 && strings.Contains("@[\\]^_", letter):
			keys = append(keys, letter[0]-'@')
		default:
			return nil, fmt.Errorf("detach keys %q: %q is neither a character nor ctrl- and a letter or one of @[\\]^_", text, word)
		}
	}
	return keys, nil
}
