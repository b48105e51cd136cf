package ledger

import (
	"testing"

	"lanewarden/drivers/message"
)

// A refusal is kept in both languages; one of an older version's ledger is what it was.
func TestRefusalIsKept(t *testing.T) {
	said := message.New("refusal.unknown-journal")
	if got := decodeRefusal(encodeRefusal(said)); got != said.Text() || got.EN == got.FR {
		t.Errorf("%+v, not %+v", got, said.Text())
	}
	if got := encodeRefusal(decodeRefusal("").Message()); got != "" {
		t.Errorf("none is kept as %q", got)
	}
	old := decodeRefusal("the root is another")
	if old.EN != "the root is another" || old.FR != old.EN {
		t.Errorf("of an older version: %+v", old)
	}
	if got := decodeRefusal(encodeRefusal(old.Message())); got.EN != old.EN || got.FR != old.FR {
		t.Errorf("of an older version, kept again: %+v", got)
	}
}
