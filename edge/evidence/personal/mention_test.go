package personal

import "testing"

// TestMentions: a name is found as a whole value, however it is written, and as a word in a text; not as a part of another.
func TestMentions(t *testing.T) {
	for _, c := range []struct {
		text, name string
		want       bool
	}{
		{"ABC1234", "ABC1234", true}, {"abc-1234", "ABC 1234", true}, {"ABC 1234", "abc1234", true},
		{"plate ABC1234 was read twice", "ABC 1234", true}, {"plate ABC 1234.", "ABC 1234", true},
		{"XABC1234", "ABC1234", false}, {"ABC12345", "ABC1234", false}, {"ABC12345 ABC1234", "ABC1234", true},
		{"", "ABC1234", false}, {"ABC1234", "", false}, {"ABC1234", "--", false},
	} {
		if got := mentions(c.text, c.name); got != c.want {
			t.Errorf("%q in %q: %v", c.name, c.text, got)
		}
	}
}
