"""PPO with continuous actions: generalised advantages, the clipped ratio of probabilities, several epochs a batch."""

import numpy as np
import torch
import torch.nn as nn
from torch.distributions import Normal
from torch.utils.data import BatchSampler, SequentialSampler

from tests.programs.numpy_weights import set_weights

rng = np.random.RandomState(33)
losses = []


class Point:
    """A point in the plane that is to be moved to the origin."""

    def reset(self):
        self.position, self.time = rng.uniform(-1, 1, 2), 0
        return self.position

    def step(self, action):
        self.position = self.position + 0.3 * np.clip(action, -1, 1)
        self.time += 1
        return self.position, -float(np.abs(self.position).sum()), self.time % 8 == 0


class Agent(nn.Module):
    def __init__(self):
        super().__init__()
        self.critic = nn.Sequential(nn.Linear(2, 12), nn.Tanh(), nn.Linear(12, 1))
        self.actor_mean = nn.Sequential(nn.Linear(2, 12), nn.Tanh(), nn.Linear(12, 2))
        self.actor_logstd = nn.Parameter(torch.zeros(1, 2))

    def get_action_and_value(self, x, action=None):
        action_mean = self.actor_mean(x)
        action_std = self.actor_logstd.expand_as(action_mean).exp()
        probs = Normal(action_mean, action_std)
        if action is None:
            action = action_mean + action_std * torch.from_numpy(
                rng.standard_normal(tuple(action_mean.shape))
            )
        return action, probs.log_prob(action).sum(1), probs.entropy().sum(1), self.critic(x)


env, agent = Point(), Agent()
set_weights(agent, 3)
optimizer = torch.optim.Adam(agent.parameters(), lr=0.01, eps=1e-5)
num_steps, gamma, gae_lambda, clip_coef = 32, 0.9, 0.95, 0.2
observation = env.reset()
for update in range(6):
    obs, actions, logprobs = torch.zeros(num_steps, 2), torch.zeros(num_steps, 2), torch.zeros(num_steps)
    rewards, dones, values = torch.zeros(num_steps), torch.zeros(num_steps), torch.zeros(num_steps + 1)
    with torch.no_grad():
        for step in range(num_steps):
            obs[step] = torch.as_tensor(observation)
            action, logprob, _, value = agent.get_action_and_value(obs[step : step + 1])
            actions[step], logprobs[step], values[step] = action[0], logprob[0], value.flatten()[0]
            observation, rewards[step], done = env.step(action[0].numpy())
            dones[step] = float(done)
            if done:
                observation = env.reset()
        values[-1] = agent.critic(torch.as_tensor(observation)).item()
        advantages, lastgaelam = torch.zeros_like(rewards), 0
        for t in reversed(range(num_steps)):
            nextnonterminal = 1.0 - dones[t]
            delta = rewards[t] + gamma * values[t + 1] * nextnonterminal - values[t]
            advantages[t] = lastgaelam = delta + gamma * gae_lambda * nextnonterminal * lastgaelam
        returns = advantages + values[:-1]
    for epoch in range(3):
        for mb_inds in BatchSampler(SequentialSampler(range(num_steps)), 8, drop_last=False):
            _, newlogprob, entropy, newvalue = agent.get_action_and_value(obs[mb_inds], actions[mb_inds])
            ratio = (newlogprob - logprobs[mb_inds]).exp()
            mb_advantages = advantages[mb_inds]
            mb_advantages = (mb_advantages - mb_advantages.mean()) / (mb_advantages.std() + 1e-8)
            pg_loss = torch.max(
                -mb_advantages * ratio, -mb_advantages * ratio.clamp(1 - clip_coef, 1 + clip_coef)
            )
            v_loss = 0.5 * ((newvalue.view(-1) - returns[mb_inds]) ** 2).mean()
            loss = pg_loss.mean() - 0.01 * entropy.mean() + 0.5 * v_loss
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
            optimizer.step()
            losses.append(loss.item())
    losses.append(rewards.mean().item())
    print("update %d reward %.4f" % (update, losses[-1]))
