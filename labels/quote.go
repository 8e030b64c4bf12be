package labels

import "strings"

// Quote writes words as one line that a POSIX shell, and this package's own
// rules, split into the same words again.
func Quote(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = quoteWord(w)
	}
	return strings.Join(quoted, " ")
}

// plain are the bytes that need no quotes anywhere in a word.
const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789@%+=:,./-_"

func quoteWord(w string) string {
	if w != "" && strings.Trim(w, plain) == "" && !strings.HasSuffix("="+w, "=NAME") && !strings.HasSuffix("="+w, "=IMAGE") {
		return w
	}
	return "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
}
