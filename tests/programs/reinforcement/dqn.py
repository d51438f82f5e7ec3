"""DQN on a corridor: replay memory, a target network that follows slowly, epsilon-greedy actions, the Huber loss."""

import math
import random
from collections import deque, namedtuple

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim

from tests.programs.numpy_weights import set_weights

random.seed(31)
losses = []
Transition = namedtuple("Transition", ("state", "action", "next_state", "reward"))


class Corridor:
    """Six cells; the right end is worth 1 and ends the episode, the left end costs 1."""

    def reset(self):
        self.cell, self.time = 2, 0
        return self.observe()

    def observe(self):
        return np.eye(6)[self.cell]

    def step(self, action):
        self.cell, self.time = self.cell + (1 if action else -1), self.time + 1
        terminated = self.cell in (0, 5)
        reward = {0: -1.0, 5: 1.0}.get(self.cell, -0.02)
        return self.observe(), reward, terminated, self.time >= 15


class DQN(nn.Module):
    def __init__(self, n_observations, n_actions):
        super(DQN, self).__init__()
        self.layer1 = nn.Linear(n_observations, 12)
        self.value, self.advantage = nn.Linear(12, 1), nn.Linear(12, n_actions)

    def forward(self, x):
        x = F.relu(self.layer1(x))
        advantage = self.advantage(x)
        return self.value(x) + advantage - advantage.mean(dim=1, keepdim=True)


BATCH_SIZE, GAMMA, TAU = 8, 0.9, 0.1
policy_net, target_net = DQN(6, 2), DQN(6, 2)
set_weights(policy_net, 1)
target_net.load_state_dict(policy_net.state_dict())
optimizer = optim.AdamW(policy_net.parameters(), lr=0.02, amsgrad=True)
memory, steps_done = deque(maxlen=100), 0


def select_action(state):
    eps_threshold = 0.05 + 0.85 * math.exp(-1.0 * steps_done / 30)
    if random.random() > eps_threshold:
        with torch.no_grad():
            return policy_net(state).max(1).indices.view(1, 1)
    return torch.tensor([[random.randrange(2)]], dtype=torch.long)


def optimize_model():
    if len(memory) < BATCH_SIZE:
        return
    batch = Transition(*zip(*random.sample(memory, BATCH_SIZE)))
    non_final_mask = torch.tensor(tuple(s is not None for s in batch.next_state), dtype=torch.bool)
    non_final_next_states = torch.cat([s for s in batch.next_state if s is not None])
    state_action_values = policy_net(torch.cat(batch.state)).gather(1, torch.cat(batch.action))
    next_state_values = torch.zeros(BATCH_SIZE)
    with torch.no_grad():
        next_state_values[non_final_mask] = target_net(non_final_next_states).max(1).values
    expected = (next_state_values * GAMMA) + torch.cat(batch.reward)
    loss = nn.SmoothL1Loss()(state_action_values, expected.unsqueeze(1))
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_value_(policy_net.parameters(), 100)
    optimizer.step()
    losses.append(loss.item())


env, episode_durations = Corridor(), []
while len(losses) < 60:
    state = torch.tensor(env.reset()).unsqueeze(0)
    terminated = truncated = False
    while not (terminated or truncated):
        action = select_action(state)
        steps_done += 1
        observation, reward, terminated, truncated = env.step(action.item())
        next_state = None if terminated else torch.tensor(observation).unsqueeze(0)
        memory.append(Transition(state, action, next_state, torch.tensor([reward])))
        state = next_state
        optimize_model()
        target_dict, policy_dict = target_net.state_dict(), policy_net.state_dict()
        for key in policy_dict:
            target_dict[key] = policy_dict[key] * TAU + target_dict[key] * (1 - TAU)
        target_net.load_state_dict(target_dict)
    episode_durations.append(env.time)
print("durations", episode_durations, "greedy", policy_net(torch.eye(6)).argmax(1).tolist())
