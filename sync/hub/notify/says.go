package notify

import (
	"strings"

	"lanewarden/drivers/message"
)

// classWords are the words for what is of a class.
var classWords = map[Class]string{
	"alarm": "notify.says-alarm", "event": "notify.says-event", "telemetry": "notify.says-telemetry",
}

// says returns in words what a rule sends: the conditions that it has.
func (r *Rule) says() message.Message {
	all := []message.Message{message.New("notify.says-all")}
	if len(r.Classes) > 0 {
		var classes []message.Message
		for _, c := range r.Classes {
			classes = append(classes, message.New(classWords[c]))
		}
		all[0] = message.Join(", ", classes...)
	}
	list := func(code string, values []string) {
		if len(values) > 0 {
			all = append(all, message.New(code, message.String("which", strings.Join(values, ", "))))
		}
	}
	list("notify.says-kinds", r.Kinds)
	list("notify.says-sites", r.Sites)
	list("notify.says-lanes", r.Lanes)
	if r.Hours != "" {
		all = append(all, message.New("notify.says-hours", message.String("hours", r.Hours), message.String("zone", r.zone().String())))
	}
	all = append(all, message.New("notify.says-rate", message.Int("n", r.PerMinute)))
	if r.Personal {
		all = append(all, message.New("notify.says-personal"))
	}
	return message.Join("; ", all...)
}
