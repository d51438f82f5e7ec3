"""Advantage actor-critic (A2C) on a balancing pole: several environments at once, returns of n steps, entropy."""

import numpy as np
import torch
import torch.nn as nn
from torch.distributions import Categorical

from tests.programs.numpy_weights import set_weights

rng = np.random.RandomState(32)
losses = []


class Poles:
    """Poles that fall as inverted pendulums do; a push to the left or to the right keeps them up."""

    def __init__(self, count):
        self.count = count
        self.state = 0.1 * rng.standard_normal((count, 2))

    def step(self, actions):
        angle, speed = self.state.T
        speed = speed + 0.1 * (3 * np.sin(angle) + np.where(actions == 1, 1.0, -1.0))
        angle = angle + 0.1 * speed
        done = np.abs(angle) > 0.8
        fresh = 0.1 * rng.standard_normal((self.count, 2))
        self.state = np.where(done[:, None], fresh, np.stack([angle, speed], axis=1))
        return self.state, 1.0 - 2.0 * done, done


class ActorCritic(nn.Module):
    def __init__(self, num_inputs, num_outputs, hidden_size):
        super(ActorCritic, self).__init__()
        self.critic = nn.Sequential(nn.Linear(num_inputs, hidden_size), nn.Tanh(), nn.Linear(hidden_size, 1))
        self.actor = nn.Sequential(
            nn.Linear(num_inputs, hidden_size),
            nn.Tanh(),
            nn.Linear(hidden_size, num_outputs),
            nn.Softmax(dim=1),
        )

    def forward(self, x):
        return Categorical(self.actor(x)), self.critic(x)


def draw(probs):
    """Return an action for each row of probabilities, by NumPy's random numbers."""
    action = (probs.cumsum(-1) < torch.from_numpy(rng.rand(len(probs), 1))).sum(-1)
    return action.clamp(max=probs.shape[-1] - 1)


def compute_returns(next_value, rewards, masks, gamma=0.95):
    R, returns = next_value, []
    for step in reversed(range(len(rewards))):
        R = rewards[step] + gamma * R * masks[step]
        returns.insert(0, R)
    return returns


envs = Poles(6)
model = ActorCritic(2, 2, 12)
set_weights(model, 2)
optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
state = envs.state
for update in range(50):
    log_probs, values, rewards, masks, entropy = [], [], [], [], 0
    for _ in range(5):
        dist, value = model(torch.as_tensor(state))
        action = draw(dist.probs)
        state, reward, done = envs.step(action.cpu().numpy())
        log_probs.append(dist.log_prob(action))
        entropy += dist.entropy().mean()
        values.append(value)
        rewards.append(torch.as_tensor(reward).unsqueeze(1))
        masks.append(torch.as_tensor(1.0 - done).unsqueeze(1))
    _, next_value = model(torch.as_tensor(state))
    returns = torch.cat(compute_returns(next_value.detach(), rewards, masks))
    advantage = returns - torch.cat(values)
    actor_loss = -(torch.cat(log_probs) * advantage.squeeze(1).detach()).mean()
    loss = actor_loss + 0.5 * advantage.pow(2).mean() - 0.001 * entropy
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses += [loss.item(), float(torch.cat(rewards).mean())]
print("reward %.3f -> %.3f" % (losses[1], sum(losses[-9::2]) / 5))
