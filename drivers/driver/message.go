package driver

import (
	"strings"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

// EncodeMessage returns a message as the journal keeps it, nil for one that says nothing, or what others said: those
// words stand in the text beside it.
func EncodeMessage(m message.Message) *observation.Message {
	if m.IsZero() || m.IsVerbatim() {
		return nil
	}
	return encodeMessage(m)
}

func encodeMessage(m message.Message) *observation.Message {
	out := &observation.Message{Code: m.Code, Arguments: make([]*observation.MessageArgument, 0, len(m.Args))}
	for _, a := range m.Args {
		out.Arguments = append(out.Arguments, newArgument(a))
	}
	return out
}

func newArgument(a message.Arg) *observation.MessageArgument {
	out := &observation.MessageArgument{Name: a.Name}
	switch v := a.Value.(type) {
	case message.Str:
		out.Value = &observation.MessageArgument_Text{Text: validUTF8(string(v))}
	case message.Num:
		out.Value = &observation.MessageArgument_Number{Number: &observation.MessageNumber{
			Value: v.Value, Decimals: uint32(v.Decimals), Fixed: v.Fixed, Unit: v.Unit,
		}}
	case message.Plural:
		out.Value = &observation.MessageArgument_Count{Count: int64(v)}
	case message.Span:
		if v.Exact {
			out.Value = &observation.MessageArgument_ExactDurationNs{ExactDurationNs: int64(v.Duration)}
		} else {
			out.Value = &observation.MessageArgument_DurationNs{DurationNs: int64(v.Duration)}
		}
	case message.Instant:
		zone, offset := v.Time.Zone()
		out.Value = &observation.MessageArgument_Time{Time: &observation.MessageTime{
			Ns: v.Time.UnixNano(), ZoneOffsetS: int32(offset), Zone: zone, Precision: uint32(v.Precision),
		}}
	case message.List:
		out.Value = &observation.MessageArgument_List{List: &observation.MessageList{Names: v}}
	case message.Message:
		if !v.IsZero() {
			out.Value = &observation.MessageArgument_Message{Message: encodeMessage(v)}
		}
	}
	return out
}

// validUTF8 replaces what is no UTF-8, such as half of a character that was cut: a body with such a text has no digest for
// its key (SetKey).
func validUTF8(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }

// DecodeMessage returns what a row of the journal says: its message, or its text when it has none (a row from before
// messages, a person's words) or one with a code that this version does not know.
func DecodeMessage(m *observation.Message, text string) message.Message {
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
func decodeMessage(m *observation.Message, depth int) (out message.Message, known bool) {
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

func decodeValue(a *observation.MessageArgument, depth int) (v message.Value, known bool) {
	switch a := a.GetValue().(type) {
	case *observation.MessageArgument_Text:
		return message.Str(a.Text), true
	case *observation.MessageArgument_Number:
		n := a.Number
		return message.Num{
			Value: n.GetValue(), Decimals: int(min(n.GetDecimals(), 9)), Fixed: n.GetFixed(), Unit: n.GetUnit(),
		}, true
	case *observation.MessageArgument_Count:
		return message.Plural(a.Count), true
	case *observation.MessageArgument_DurationNs:
		return message.Span{Duration: time.Duration(a.DurationNs)}, true
	case *observation.MessageArgument_ExactDurationNs:
		return message.Span{Duration: time.Duration(a.ExactDurationNs), Exact: true}, true
	case *observation.MessageArgument_Time:
		zone := time.FixedZone(a.Time.GetZone(), int(a.Time.GetZoneOffsetS()))
		at := time.Unix(0, a.Time.GetNs()).In(zone)
		return message.Instant{Time: at, Precision: message.Precision(a.Time.GetPrecision())}, true
	case *observation.MessageArgument_List:
		return message.List(a.List.GetNames()), true
	case *observation.MessageArgument_Message:
		return decodeMessage(a.Message, depth+1)
	case nil:
		return message.Str(""), true
	}
	return nil, false
}
