#ifndef STAGES_VERIFY_H
#define STAGES_VERIFY_H
#endif
