package ledger

import (
	"encoding/json"
	"fmt"

	"lanewarden/drivers/message"
	"lanewarden/sync/wire"
)

// refuse returns the answer that a message or journal is not accepted, with the reason in both
// languages, as the hub does not know which one the agent's users read.
func refuse(journal []byte, why wire.Refusal, said message.Message) *wire.Ack {
	text := said.Text()
	return &wire.Ack{Journal: journal, Refusal: why, RefusalText: text.EN, RefusalTextFr: text.FR}
}

// encodeRefusal returns a refusal as the column journal.refused has it: JSON of its text in all languages, empty for
// none.
func encodeRefusal(said message.Message) string {
	if said.IsZero() {
		return ""
	}
	text, err := json.Marshal(said.Text())
	if err != nil { // a struct of strings: it cannot
		return said.English()
	}
	return string(text)
}

// decodeRefusal returns the text of a refusal that encodeRefusal has encoded. Older versions wrote
// it in English alone; it is the same in all languages then.
func decodeRefusal(column string) message.Text {
	var text message.Text
	if json.Unmarshal([]byte(column), &text) != nil || text.IsZero() {
		return message.Text{EN: column, FR: column}
	}
	return text
}

// rowNumber is the index of a row of a journal, written without marks between thousands.
func rowNumber(name string, idx int64) message.Arg { return message.String(name, fmt.Sprint(idx)) }
