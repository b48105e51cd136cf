package kinds

import "lanewarden/drivers/observation"

// ordersChecked says what was taken from the centre, or that it was refused.
func ordersChecked(b *observation.OrdersChecked) Text {
	way := map[observation.OrdersChecked_Way]Text{
		observation.OrdersChecked_WAY_LINK:   say("orders-checked.link"),
		observation.OrdersChecked_WAY_FOLDER: say("orders-checked.folder"),
	}[b.Way]
	t := sentence(
		when(b.Refusal != "", say("orders-checked.refused")),
		when(len(b.Taken) > 0, count("orders-checked.taken", len(b.Taken))),
		when(b.Refusal == "" && len(b.Taken) == 0, say("orders-checked.nothing")),
		way,
		when(len(b.Taken) > 0, names(b.Taken)),
		when(b.TimestampVersion > 0, say("orders-checked.version", arg("version", plainNumber(b.TimestampVersion)))))
	return t.saying(b.Message, b.Text)
}

// names lists the first of the files that were taken.
func names(taken []*observation.OrdersTarget) Text {
	const most = 6
	var paths []string
	for _, t := range taken[:min(len(taken), most)] {
		paths = append(paths, t.Path)
	}
	return list(paths)
}

// orderReceived says that a command was accepted or refused.
func orderReceived(b *observation.OrderReceived) Text {
	what := orText(b.Order, say("order.unread"))
	fate := say("order.accepted", arg("order", what))
	if b.Refusal != "" {
		fate = say("order.refused", arg("order", what))
	}
	t := sentence(fate,
		when(b.Commander != "", say("order.of", arg("who", b.Commander))),
		when(b.Device != "", say("order.about", arg("device", b.Device))),
		when(b.Count > 1, count("order.count", b.Count)))
	return t.saying(b.Message, b.Text)
}

// orderResult says what came of a command.
func orderResult(b *observation.OrderResult) Text {
	what := orText(b.Order, say("order.unread"))
	t := say("order.unknown", arg("order", what))
	switch b.Outcome {
	case observation.OrderResult_OUTCOME_DONE:
		t = say("order.done", arg("order", what))
	case observation.OrderResult_OUTCOME_FAILED:
		t = say("order.failed", arg("order", what))
	}
	t = sentence(t)
	return t.saying(b.Message, b.Text)
}
