package recipe

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"ftd/launcher/devices"
	"ftd/recipe/yamledit"
)

// Cards may be implemented by a [Host] that hands out accelerator cards. The
// cards of an attempt are given back when it ends.
type Cards interface {
	// TakeCards waits until an attempt may use the cards it wants, and returns
	// their logical ids; none if cards are not handed out here.
	TakeCards(ctx context.Context, attempt string, want CardRequest) ([]int, error)
	// AwaitCards waits until nobody uses the cards of an attempt any more
	// whose processes are gone, or ctx ends: what is left then is in the error.
	AwaitCards(ctx context.Context, attempt string) error
}

// CardRequest says which cards a training wants.
type CardRequest struct {
	Count int
	// Only are the very cards it wants, if its environment names some.
	Only []int
}

// The variables by which a process learns which cards are its own. With the
// first one set, cards are counted anew from 0, and the second one, which
// MindSpore's msrun and mindformers read, counts among those.
const (
	visibleCards = "ASCEND_RT_VISIBLE_DEVICES"
	deviceID     = "DEVICE_ID"
)

// ascend is the device_target that takes cards.
const ascend = "Ascend"

// cardsWanted says which cards the training needs: as many as it has
// processes, and none if its config is for another device.
func cardsWanted(s *StepContext) (CardRequest, error) {
	n, err := workers(s)
	if err != nil {
		return CardRequest{}, err
	}
	if given, ok := s.With["cards"].(int64); ok {
		if given < 0 || given > maxWorkers {
			return CardRequest{}, &Problem{
				Code:    CodeInvalid,
				Message: fmt.Sprintf("cards is %d in the step %s and must be from 0 to %d", given, s.Step.ID, maxWorkers),
				Remedy:  "give the number of cards, or leave it out",
			}
		}
		n = int(given)
	} else if target, _ := deviceTarget(s); target != "" && target != ascend {
		n = 0
	}
	if n == 0 {
		return CardRequest{}, nil
	}
	if text, ok := s.Env[visibleCards]; ok {
		only := devices.Visible(text)
		return CardRequest{Count: len(only), Only: only}, nil
	}
	if id, err := strconv.Atoi(s.Env[deviceID]); err == nil && id >= 0 && n == 1 {
		return CardRequest{Count: 1, Only: []int{id}}, nil
	}
	return CardRequest{Count: n}, nil
}

// deviceTarget is what the config says of the device, "" if it says nothing;
// known is false if the config is not there yet.
func deviceTarget(s *StepContext) (target string, known bool) {
	if s.text("config") == "" {
		return "", true
	}
	source, err := readSource(s.text("config"))
	if err != nil {
		return "", false
	}
	var config struct {
		Context struct {
			Target string `yaml:"device_target"`
		} `yaml:"context"`
	}
	if err := yamledit.Read(source, &config); err != nil {
		return "", true // whoever reads all of it says what is wrong
	}
	return config.Context.Target, true
}

// takeCards waits for the cards that the training needs.
func takeCards(ctx context.Context, s *StepContext) ([]int, error) {
	host, ok := s.Host.(Cards)
	if !ok {
		return nil, nil
	}
	want, err := cardsWanted(s)
	if err != nil || want.Count == 0 {
		return nil, err
	}
	return host.TakeCards(ctx, s.Attempt.ID, want)
}

// cardsGrace is how long a stop waits for the cards when all processes are
// gone: the driver gives their memory back within seconds.
const cardsGrace = 50 * time.Second

// awaitCards is the end of a stop: whoever was told that the training has
// stopped may use its cards.
func awaitCards(ctx context.Context, s *StepContext) {
	host, ok := s.Host.(Cards)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cardsGrace)
	defer cancel()
	if err := host.AwaitCards(ctx, s.Attempt.ID); err != nil {
		s.Host.Output(s.Step.ID, "the training has stopped, but "+err.Error())
	}
}

// cardsEnv tells the training which cards are its own, unless its environment
// named them in the first place.
func cardsEnv(s *StepContext, cards []int, extra map[string]string) {
	_, visible := s.Env[visibleCards]
	if _, chosen := s.Env[deviceID]; len(cards) == 0 || visible || chosen && len(cards) == 1 {
		return
	}
	words := make([]string, len(cards))
	for i, id := range cards {
		words[i] = strconv.Itoa(id)
	}
	extra[visibleCards] = strings.Join(words, ",") // ascending: CANN reads no other order
	extra[deviceID] = "0"
}
