package observation

import (
	"time"

	"lanewarden/drivers/message"
)

// NewMessage returns a message as the journal keeps it, nil for one that says nothing, or what others said: those
// words stand in the text beside it.
func NewMessage(m message.Message) *Message {
	if m.IsZero() || m.IsVerbatim() {
		return nil
	}
	return encodeMessage(m)
}

func encodeMessage(m message.Message) *Message {
	out := &Message{Code: m.Code, Arguments: make([]*MessageArgument, 0, len(m.Args))}
	for _, a := range m.Args {
		out.Arguments = append(out.Arguments, newArgument(a))
	}
	return out
}

func newArgument(a message.Arg) *MessageArgument {
	out := &MessageArgument{Name: a.Name}
	switch v := a.Value.(type) {
	case message.Str:
		out.Value = &MessageArgument_Text{Text: string(v)}
	case message.Num:
		out.Value = &MessageArgument_Number{Number: &MessageNumber{
			Value: v.Value, Decimals: uint32(v.Decimals), Fixed: v.Fixed, Unit: v.Unit,
		}}
	case message.Plural:
		out.Value = &MessageArgument_Count{Count: int64(v)}
	case message.Span:
		if v.Exact {
			out.Value = &MessageArgument_ExactDurationNs{ExactDurationNs: int64(v.Duration)}
		} else {
			out.Value = &MessageArgument_DurationNs{DurationNs: int64(v.Duration)}
		}
	case message.Instant:
		zone, offset := v.Time.Zone()
		out.Value = &MessageArgument_Time{Time: &MessageTime{
			Ns: v.Time.UnixNano(), ZoneOffsetS: int32(offset), Zone: zone, Precision: uint32(v.Precision),
		}}
	case message.List:
		out.Value = &MessageArgument_List{List: &MessageList{Names: v}}
	case message.Message:
		if !v.IsZero() {
			out.Value = &MessageArgument_Message{Message: encodeMessage(v)}
		}
	}
	return out
}

// SaidMessage returns what a row of the journal says: its message, or its text when it has none (a row from before
// messages, a person's words) or one with a code that this version does not know.
func SaidMessage(m *Message, text string) message.Message {
	if m.GetCode() == "" {
		return message.Verbatim(text)
	}
	out, known := decodeMessage(m, 0)
	if !known && text != "" {
		return message.Verbatim(text)
	}
	return out
}

// maxDepth bounds messages in messages, of which a hostile peer could send more than the stack holds.
const maxDepth = 8

// decodeMessage returns a message, and whether this version knows its code and those of all messages in it.
func decodeMessage(m *Message, depth int) (out message.Message, known bool) {
	out.Code, known = m.GetCode(), message.Known(m.GetCode()) || message.Composed(m.GetCode())
	if depth > maxDepth {
		return message.Message{}, false
	}
	for _, a := range m.GetArguments() {
		v, ok := decodeValue(a, depth)
		known = known && ok
		if v != nil {
			out.Args = append(out.Args, message.Arg{Name: a.GetName(), Value: v})
		}
	}
	return out, known
}

func decodeValue(a *MessageArgument, depth int) (v message.Value, known bool) {
	switch a := a.GetValue().(type) {
	case *MessageArgument_Text:
		return message.Str(a.Text), true
	case *MessageArgument_Number:
		n := a.Number
		return message.Num{
			Value: n.GetValue(), Decimals: int(min(n.GetDecimals(), 9)), Fixed: n.GetFixed(), Unit: n.GetUnit(),
		}, true
	case *MessageArgument_Count:
		return message.Plural(a.Count), true
	case *MessageArgument_DurationNs:
		return message.Span{Duration: time.Duration(a.DurationNs)}, true
	case *MessageArgument_ExactDurationNs:
		return message.Span{Duration: time.Duration(a.ExactDurationNs), Exact: true}, true
	case *MessageArgument_Time:
		zone := time.FixedZone(a.Time.GetZone(), int(a.Time.GetZoneOffsetS()))
		at := time.Unix(0, a.Time.GetNs()).In(zone)
		return message.Instant{Time: at, Precision: message.Precision(a.Time.GetPrecision())}, true
	case *MessageArgument_List:
		return message.List(a.List.GetNames()), true
	case *MessageArgument_Message:
		return decodeMessage(a.Message, depth+1)
	case nil:
		return message.Str(""), true
	}
	return nil, false
}
